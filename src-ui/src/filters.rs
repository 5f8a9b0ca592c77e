//! What a list of issues shows: filters, order and grouping, and the questions to the core that they mean.

use contract::issue::{IssuePriority, IssueSort, IssueStatus, ListIssues, SortDir};
use contract::planning::InProject;
use contract::{AgentId, CompanyId, LabelId, ProjectId};
use serde::{Deserialize, Serialize};

/// How issues are put under headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    None,
    #[default]
    Status,
    Priority,
    Assignee,
    Project,
}

impl Group {
    pub const ALL: [Self; 5] = [Self::Status, Self::Priority, Self::Assignee, Self::Project, Self::None];

    pub const fn key(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Status => "status",
            Self::Priority => "priority",
            Self::Assignee => "assignee",
            Self::Project => "project",
        }
    }

    pub const fn label(self) -> &'static str {
        match self {
            Self::None => "No grouping",
            Self::Status => "Status",
            Self::Priority => "Priority",
            Self::Assignee => "Assignee",
            Self::Project => "Project",
        }
    }
}

/// Which issues, in which order, under which headers, as a list or a board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IssueView {
    pub status: Vec<IssueStatus>,
    pub priority: Vec<IssuePriority>,
    /// `none`, `me` or an agent's id.
    pub assignee: Option<String>,
    pub label: Option<LabelId>,
    pub project: Option<InProject>,
    pub live: bool,
    pub text: String,
    pub sort: IssueSort,
    pub dir: SortDir,
    pub group: Group,
    pub board: bool,
}

impl Default for IssueView {
    fn default() -> Self {
        Self {
            status: Vec::new(),
            priority: Vec::new(),
            assignee: None,
            label: None,
            project: None,
            live: false,
            text: String::new(),
            sort: IssueSort::Updated,
            dir: SortDir::Desc,
            group: Group::default(),
            board: false,
        }
    }
}

/// The quick choices over the list.
pub const PRESETS: [(&str, &str, &[IssueStatus]); 4] = [
    ("all", "All", &[]),
    (
        "active",
        "Active",
        &[IssueStatus::Todo, IssueStatus::InProgress, IssueStatus::InReview, IssueStatus::Blocked],
    ),
    ("backlog", "Backlog", &[IssueStatus::Backlog]),
    ("done", "Done", &[IssueStatus::Done, IssueStatus::Cancelled]),
];

/// One header and the issues under it.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    pub key: String,
    pub title: String,
    pub filter: ListIssues,
}

impl IssueView {
    /// Reads the query string of a link; what it does not name keeps its default.
    pub fn from_query(query: &str) -> Self {
        let mut v = Self::default();
        for (key, value) in query.split('&').filter_map(|p| p.split_once('=')) {
            match key {
                "status" => v.status = parse_list(value),
                "priority" => v.priority = parse_list(value),
                "assignee" => v.assignee = Some(value.to_owned()),
                "label" => v.label = value.parse().ok(),
                "project" => v.project = InProject::try_from(value.to_owned()).ok(),
                "live" => v.live = value == "1",
                "group" => {
                    v.group = Group::ALL.into_iter().find(|g| g.key() == value).unwrap_or_default();
                }
                "view" => v.board = value == "board",
                _ => {}
            }
        }
        v
    }

    /// A board runs from backlog to cancelled; a list begins with what is being worked on.
    const fn status_order(&self) -> &'static [IssueStatus] {
        if self.board {
            return IssueStatus::ALL;
        }
        &[
            IssueStatus::InProgress,
            IssueStatus::InReview,
            IssueStatus::Blocked,
            IssueStatus::Todo,
            IssueStatus::Backlog,
            IssueStatus::Done,
            IssueStatus::Cancelled,
        ]
    }

    /// The project that everything shown belongs to, for what is made here.
    pub fn one_project(&self) -> Option<ProjectId> {
        match self.project {
            Some(InProject::One(id)) => Some(id),
            Some(InProject::None) | None => None,
        }
    }

    /// How many filters are set, the text aside.
    pub fn filters(&self) -> usize {
        [
            !self.status.is_empty(),
            !self.priority.is_empty(),
            self.assignee.is_some(),
            self.label.is_some(),
            self.project.is_some(),
            self.live,
        ]
        .into_iter()
        .filter(|f| *f)
        .count()
    }

    /// The preset that the statuses make, if they make one.
    pub fn preset(&self) -> Option<&'static str> {
        PRESETS.iter().find(|(_, _, s)| *s == self.status.as_slice()).map(|(k, _, _)| *k)
    }

    pub fn list(&self, company: CompanyId) -> ListIssues {
        let mut q = ListIssues::of(company);
        q.status.clone_from(&self.status);
        q.priority.clone_from(&self.priority);
        match self.assignee.as_deref() {
            Some("me") => q.assignee_user_id = Some("me".into()),
            other => q.assignee_agent_id = other.map(str::to_owned),
        }
        q.label_id = self.label;
        q.project_id = self.project;
        q.live = self.live;
        q.q = Some(self.text.trim().to_owned()).filter(|t| !t.is_empty());
        q.sort_field = Some(self.sort);
        q.sort_dir = Some(self.dir);
        q
    }

    /// The sections of the list, in order. `agents` and `projects` are named as they shall be shown.
    pub fn sections(
        &self,
        company: CompanyId,
        agents: &[(AgentId, String)],
        projects: &[(ProjectId, String)],
    ) -> Vec<Section> {
        let base = self.list(company);
        let section = |key: String, title: String, change: &dyn Fn(&mut ListIssues)| {
            let mut filter = base.clone();
            change(&mut filter);
            Section { key, title, filter }
        };
        let group = if self.board { Group::Status } else { self.group };
        match group {
            Group::None => vec![Section { key: "all".into(), title: String::new(), filter: base.clone() }],
            Group::Status => self
                .status_order()
                .iter()
                .filter(|s| self.status.is_empty() || self.status.contains(s))
                .map(|s| {
                    section(s.as_str().into(), crate::labels::issue_status(*s).into(), &|f| {
                        f.status = vec![*s];
                    })
                })
                .collect(),
            Group::Priority => IssuePriority::ALL
                .iter()
                .filter(|p| self.priority.is_empty() || self.priority.contains(p))
                .map(|p| {
                    section(p.as_str().into(), crate::labels::priority(*p).into(), &|f| {
                        f.priority = vec![*p];
                    })
                })
                .collect(),
            Group::Assignee => {
                let mut out = Vec::new();
                let wanted = |key: &str| self.assignee.as_deref().is_none_or(|a| a == key);
                for (id, name) in agents {
                    let key = id.to_string();
                    if wanted(&key) {
                        out.push(section(key.clone(), name.clone(), &|f| {
                            f.assignee_agent_id = Some(key.clone());
                        }));
                    }
                }
                if wanted("me") {
                    out.push(section("me".into(), "You".into(), &|f| f.assignee_user_id = Some("me".into())));
                }
                if wanted("none") {
                    out.push(section("none".into(), "Unassigned".into(), &|f| {
                        f.assignee_agent_id = Some("none".into());
                    }));
                }
                out
            }
            Group::Project => projects
                .iter()
                .map(|(id, name)| (InProject::One(*id), name.clone()))
                .chain([(InProject::None, "No project".to_owned())])
                .filter(|(place, _)| self.project.is_none_or(|p| p == *place))
                .map(|(place, name)| section(place.into(), name, &|f| f.project_id = Some(place)))
                .collect(),
        }
    }
}

fn parse_list<T: std::str::FromStr>(value: &str) -> Vec<T> {
    value.split(',').filter_map(|s| s.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn company() -> CompanyId {
        "6f1c2d9e-0000-7000-8000-000000000001".parse().unwrap()
    }

    #[test]
    fn a_link_sets_the_filters_it_names_and_no_others() {
        let v = IssueView::from_query("status=todo,blocked&assignee=me&view=board&nonsense=1");
        assert_eq!(v.status, vec![IssueStatus::Todo, IssueStatus::Blocked]);
        assert_eq!(v.assignee.as_deref(), Some("me"));
        assert!(v.board);
        assert_eq!(v.filters(), 2);
        let q = v.list(company());
        assert_eq!(q.assignee_user_id.as_deref(), Some("me"));
        assert_eq!(q.assignee_agent_id, None);
    }

    #[test]
    fn sections_respect_the_filter_they_divide() {
        let v = IssueView { status: vec![IssueStatus::Done], ..IssueView::default() };
        let s = v.sections(company(), &[], &[]);
        assert_eq!(s.len(), 1);
        assert_eq!(s[0].filter.status, vec![IssueStatus::Done]);
        let board = IssueView { board: true, group: Group::None, ..IssueView::default() };
        assert_eq!(board.sections(company(), &[], &[]).len(), IssueStatus::ALL.len());
    }

    #[test]
    fn grouped_by_project_no_issue_is_left_out() {
        let site: ProjectId = "6f1c2d9e-0000-7000-8000-000000000002".parse().unwrap();
        let v = IssueView { group: Group::Project, ..IssueView::default() };
        let s = v.sections(company(), &[], &[(site, "Site".into())]);
        let places: Vec<_> = s.iter().map(|s| s.filter.project_id).collect();
        assert_eq!(places, [Some(InProject::One(site)), Some(InProject::None)]);
        let v = IssueView { project: Some(InProject::None), ..v };
        let s = v.sections(company(), &[], &[(site, "Site".into())]);
        assert_eq!(s.iter().map(|s| s.key.as_str()).collect::<Vec<_>>(), ["none"]);
        assert_eq!(IssueView::from_query("project=none").project, Some(InProject::None));
    }

    #[test]
    fn presets_are_recognised_by_their_statuses() {
        assert_eq!(IssueView::default().preset(), Some("all"));
        let v = IssueView { status: PRESETS[1].2.to_vec(), ..IssueView::default() };
        assert_eq!(v.preset(), Some("active"));
        assert_eq!(IssueView { status: vec![IssueStatus::Todo], ..v }.preset(), None);
    }
}
