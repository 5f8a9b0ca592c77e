//! Labels of a company's issues.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::Text;
use crate::{CompanyId, LabelId, Timestamp};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssueLabel {
    pub id: LabelId,
    pub company_id: CompanyId,
    pub name: String,
    /// `#rrggbb`
    pub color: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateLabel {
    pub company_id: CompanyId,
    pub name: Text<1, 48>,
    /// `#rrggbb`
    pub color: Text<7, 7>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LabelPath {
    pub label_id: LabelId,
}
