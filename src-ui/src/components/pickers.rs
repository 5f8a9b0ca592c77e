//! The choices of an issue's fields, as menus.

use contract::issue::{Issue, IssuePriority, IssueStatus, UpdateIssue};
use contract::label::CreateLabel;
use contract::operations as op;
use contract::planning::Project;
use contract::{AgentId, AgentRef, LabelId, Patch, ProjectId, Text};
use leptos::prelude::*;

use crate::components::icons as i;
use crate::components::menu::{Choice, Glyph, Menu};
use crate::labels;
use crate::state::{Co, act};

/// The operator's own name in lists of people.
pub const YOU: &str = "You";

pub fn status_choices(now: Option<IssueStatus>) -> Vec<Choice> {
    IssueStatus::ALL
        .iter()
        .map(|s| {
            Choice::new(s.as_str(), labels::issue_status(*s), Glyph::Status(*s)).selected(now == Some(*s))
        })
        .collect()
}

pub fn priority_choices(now: Option<IssuePriority>) -> Vec<Choice> {
    IssuePriority::ALL
        .iter()
        .map(|p| Choice::new(p.as_str(), labels::priority(*p), Glyph::Priority(*p)).selected(now == Some(*p)))
        .collect()
}

/// Who holds an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assignee {
    Nobody,
    You,
    Agent(AgentId),
}

impl Assignee {
    pub fn of(issue: &Issue) -> Self {
        match (issue.assignee_agent_id, &issue.assignee_user_id) {
            (Some(a), _) => Self::Agent(a),
            (None, Some(_)) => Self::You,
            (None, None) => Self::Nobody,
        }
    }

    pub fn parse(picked: &str) -> Option<Self> {
        match picked {
            "none" => Some(Self::Nobody),
            "me" => Some(Self::You),
            id => id.parse().ok().map(Self::Agent),
        }
    }

    pub fn label(&self, co: Co) -> String {
        match self {
            Self::Nobody => "Unassigned".into(),
            Self::You => YOU.into(),
            Self::Agent(a) => co.agent_name(*a),
        }
    }

    /// Sets the assignee in a change of an issue.
    pub fn put(&self, u: &mut UpdateIssue) {
        (u.assignee_agent_id, u.assignee_user_id) = match self {
            Self::Nobody => (Patch::Clear, Patch::Clear),
            Self::You => (Patch::Clear, Text::new(contract::LOCAL_OPERATOR).ok().into()),
            Self::Agent(a) => (Patch::Set(AgentRef::Id(*a)), Patch::Clear),
        };
    }

    /// Shows the assignee before the core has confirmed it.
    pub fn show(&self, issue: &mut Issue) {
        (issue.assignee_agent_id, issue.assignee_user_id) = match self {
            Self::Nobody => (None, None),
            Self::You => (None, Some(contract::LOCAL_OPERATOR.into())),
            Self::Agent(a) => (Some(*a), None),
        };
    }
}

pub fn assignee_choices(co: Co, now: Option<&Assignee>) -> Vec<Choice> {
    let is = |a: Assignee| now == Some(&a);
    let mut all = vec![
        Choice::new("none", "Unassigned", Glyph::Icon(i::USER)).selected(is(Assignee::Nobody)),
        Choice::new("me", YOU, Glyph::Avatar(YOU.into())).selected(is(Assignee::You)),
    ];
    co.agents.data.with_untracked(|agents| {
        for a in agents.iter().flat_map(|l| l.iter()) {
            all.push(
                Choice::new(a.id.to_string(), a.name.clone(), Glyph::Avatar(a.name.clone()))
                    .hint(labels::agent_status(a.status).word)
                    .selected(is(Assignee::Agent(a.id))),
            );
        }
    });
    all
}

pub fn label_choices(co: Co, now: &[LabelId]) -> Vec<Choice> {
    co.labels.data.with_untracked(|labels| {
        labels
            .iter()
            .flat_map(|l| l.iter())
            .map(|l| {
                Choice::new(l.id.to_string(), l.name.clone(), Glyph::Color(l.color.clone()))
                    .selected(now.contains(&l.id))
            })
            .collect()
    })
}

pub fn project_choices(co: Co, now: Option<ProjectId>) -> Vec<Choice> {
    let mut all = vec![Choice::new("none", "No project", Glyph::Icon(i::FOLDER)).selected(now.is_none())];
    co.projects.data.with_untracked(|projects| {
        let open = |p: &&Project| p.archived_at.is_none() || now == Some(p.id);
        for p in projects.iter().flat_map(|l| l.iter()).filter(open) {
            let glyph = p.color.clone().map_or(Glyph::Icon(i::FOLDER), Glyph::Color);
            all.push(Choice::new(p.id.to_string(), p.name.clone(), glyph).selected(now == Some(p.id)));
        }
    });
    all
}

/// Opens the menu of labels; each pick toggles one, and a new name makes a new label.
pub fn pick_labels(el: &web_sys::Element, co: Co, now: Vec<LabelId>, set: Callback<Vec<LabelId>>) {
    let chosen = StoredValue::new(now.clone());
    let toggle = move |id: LabelId| {
        chosen.update_value(|c| match c.iter().position(|x| *x == id) {
            Some(at) => {
                c.remove(at);
            }
            None => c.push(id),
        });
        set.run(chosen.get_value());
    };
    Menu::under(
        el,
        "Set labels",
        label_choices(co, &now),
        Callback::new(move |id: String| {
            if let Ok(id) = id.parse() {
                toggle(id);
            }
        }),
    )
    .multi()
    .create(Callback::new(move |name: String| {
        let color = COLORS[name.len() % COLORS.len()];
        if let (Ok(name), Ok(color)) = (Text::new(name), Text::new(color)) {
            act::<op::CreateLabelOp>(CreateLabel { company_id: co.id, name, color }, move |l| toggle(l.id));
        }
    }))
    .open();
}

/// Colours that new labels take in turn.
const COLORS: [&str; 8] =
    ["#5b8def", "#8b6cef", "#d4629b", "#e0653a", "#d9a026", "#4aa36b", "#2fa3a8", "#7d8796"];
