//! A company to test with.

use serde_json::{Value, json};

use super::client::Client;

pub struct Company {
    pub id: String,
    pub agent: String,
}

impl Company {
    /// Founds a company with one agent of this adapter.
    pub async fn found(client: &Client, adapter: &str, config: Value) -> Self {
        let company = client.post("/api/companies", json!({ "name": "Acme" })).await;
        let id = text(&company["id"]);
        let agent = client
            .post(
                &format!("/api/companies/{id}/agents"),
                json!({ "name": "Ada", "adapterType": adapter, "adapterConfig": config }),
            )
            .await;
        Self { id, agent: text(&agent["id"]) }
    }

    /// Gives the agent an issue, which wakes it.
    pub async fn issue(&self, client: &Client, title: &str) -> Value {
        client
            .post(
                &format!("/api/companies/{}/issues", self.id),
                json!({ "title": title, "status": "todo", "assigneeAgentId": self.agent }),
            )
            .await
    }

    pub fn runs(&self) -> String {
        format!("/api/companies/{}/heartbeat-runs", self.id)
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}
