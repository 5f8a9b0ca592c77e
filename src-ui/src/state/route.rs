//! Where the window is: every page as a value, and its path.

/// Tabs of an agent's page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentTab {
    Overview,
    Runs,
    Configuration,
    Instructions,
}

impl AgentTab {
    pub const ALL: [Self; 4] = [Self::Overview, Self::Runs, Self::Configuration, Self::Instructions];

    pub const fn slug(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Runs => "runs",
            Self::Configuration => "configuration",
            Self::Instructions => "instructions",
        }
    }

    pub const fn label(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Runs => "Runs",
            Self::Configuration => "Configuration",
            Self::Instructions => "Instructions",
        }
    }
}

/// Pages of a company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Page {
    Dashboard,
    Waiting,
    /// With the query string that holds the filters.
    Issues(String),
    Issue(String),
    /// A document of an issue, with the query string that names a place in it.
    Document {
        issue: String,
        key: String,
        spot: String,
    },
    Agents(String),
    NewAgent,
    Agent(String, AgentTab),
    Run(String),
    Projects,
    Project(String),
    Goals,
    Costs,
    Activity,
    /// The settings of the company itself.
    Company,
    Settings,
    Missing,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// No company named: the last one, or onboarding.
    Home,
    Onboarding,
    /// A page of the company that was shown last: links from outside of the window name none.
    Last(Page),
    Company(String, Page),
}

impl Route {
    /// Reads a path and its query string (without `?`).
    pub fn parse(path: &str, query: &str) -> Self {
        let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
        match parts.as_slice() {
            [] | ["index.html"] => Self::Home,
            ["onboarding"] => Self::Onboarding,
            [prefix, rest @ ..] => match Page::parse(&parts, query) {
                Page::Missing => Self::Company((*prefix).to_owned(), Page::parse(rest, query)),
                page => Self::Last(page),
            },
        }
    }

    /// Reads a link within the window: path, query string and hash.
    pub fn read(link: &str) -> Self {
        let (link, hash) = link.split_once('#').unwrap_or((link, ""));
        let (path, query) = link.split_once('?').unwrap_or((link, ""));
        Self::parse(path, query).at(hash)
    }

    /// Paperclip names a document, and a thread in it, by the hash of its issue's page: `document-plan&thread=…`.
    pub fn at(self, hash: &str) -> Self {
        let Some(named) = hash.strip_prefix("document-") else { return self };
        let (key, spot) = named.split_once('&').unwrap_or((named, ""));
        let open = |page: Page| match page {
            Page::Issue(issue) => Page::Document { issue, key: key.to_owned(), spot: spot.to_owned() },
            other => other,
        };
        match self {
            Self::Company(prefix, page) => Self::Company(prefix, open(page)),
            Self::Last(page) => Self::Last(open(page)),
            other => other,
        }
    }

    pub fn href(&self) -> String {
        match self {
            Self::Home => "/".into(),
            Self::Onboarding => "/onboarding".into(),
            Self::Last(page) => page.path(),
            Self::Company(prefix, page) => format!("/{prefix}{}", page.path()),
        }
    }
}

impl Page {
    fn parse(parts: &[&str], query: &str) -> Self {
        match parts {
            [] | ["dashboard"] => Self::Dashboard,
            ["waiting"] => Self::Waiting,
            ["issues"] => Self::Issues(query.to_owned()),
            ["issues", id] => Self::Issue((*id).to_owned()),
            ["issues", id, "documents", key] => {
                Self::Document { issue: (*id).to_owned(), key: (*key).to_owned(), spot: query.to_owned() }
            }
            ["agents"] => Self::Agents("all".into()),
            ["agents", "new"] => Self::NewAgent,
            ["agents", tab @ ("all" | "active" | "paused" | "error" | "terminated")] => {
                Self::Agents((*tab).to_owned())
            }
            ["agents", key] => Self::Agent((*key).to_owned(), AgentTab::Overview),
            ["agents", _, "runs", run] | ["runs", run] => Self::Run((*run).to_owned()),
            ["agents", key, tab] => match AgentTab::ALL.into_iter().find(|t| t.slug() == *tab) {
                Some(tab) => Self::Agent((*key).to_owned(), tab),
                None => Self::Missing,
            },
            ["projects"] => Self::Projects,
            ["projects", id] => Self::Project((*id).to_owned()),
            ["goals"] => Self::Goals,
            ["costs"] => Self::Costs,
            ["activity"] => Self::Activity,
            ["company", "settings"] => Self::Company,
            ["settings"] => Self::Settings,
            _ => Self::Missing,
        }
    }

    fn path(&self) -> String {
        match self {
            Self::Dashboard => "/dashboard".into(),
            Self::Waiting => "/waiting".into(),
            Self::Issues(q) if q.is_empty() => "/issues".into(),
            Self::Issues(q) => format!("/issues?{q}"),
            Self::Issue(id) => format!("/issues/{id}"),
            Self::Document { issue, key, spot } if spot.is_empty() => {
                format!("/issues/{issue}/documents/{key}")
            }
            Self::Document { issue, key, spot } => format!("/issues/{issue}/documents/{key}?{spot}"),
            Self::Agents(tab) => format!("/agents/{tab}"),
            Self::NewAgent => "/agents/new".into(),
            Self::Agent(key, tab) => format!("/agents/{key}/{}", tab.slug()),
            Self::Run(id) => format!("/runs/{id}"),
            Self::Projects => "/projects".into(),
            Self::Project(id) => format!("/projects/{id}"),
            Self::Goals => "/goals".into(),
            Self::Costs => "/costs".into(),
            Self::Activity => "/activity".into(),
            Self::Company => "/company/settings".into(),
            Self::Settings => "/settings".into(),
            Self::Missing => "/missing".into(),
        }
    }

    /// The page without what may change while it stays open (filters, tabs): equal keys are the same page.
    pub fn key(&self) -> Self {
        match self {
            Self::Issues(_) => Self::Issues(String::new()),
            Self::Agents(_) => Self::Agents("all".into()),
            Self::Agent(key, _) => Self::Agent(key.clone(), AgentTab::Overview),
            Self::Document { issue, key, .. } => {
                Self::Document { issue: issue.clone(), key: key.clone(), spot: String::new() }
            }
            other => other.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_found_again_by_its_own_path() {
        let pages = [
            Page::Dashboard,
            Page::Waiting,
            Page::Issues("status=todo".into()),
            Page::Issue("PAP-12".into()),
            Page::Document { issue: "PAP-12".into(), key: "plan".into(), spot: "thread=t&comment=c".into() },
            Page::Agents("paused".into()),
            Page::NewAgent,
            Page::Agent("ada".into(), AgentTab::Configuration),
            Page::Run("r1".into()),
            Page::Projects,
            Page::Project("p1".into()),
            Page::Goals,
            Page::Costs,
            Page::Activity,
            Page::Company,
            Page::Settings,
        ];
        for page in pages {
            let route = Route::Company("PAP".into(), page);
            let href = route.href();
            let (path, query) = href.split_once('?').unwrap_or((&href, ""));
            assert_eq!(Route::parse(path, query), route);
        }
    }

    #[test]
    fn paths_of_paperclip_and_unknown_ones_are_understood() {
        assert_eq!(Route::parse("/", ""), Route::Home);
        assert_eq!(Route::parse("/waiting", ""), Route::Last(Page::Waiting));
        assert_eq!(Route::parse("/pap/waiting", ""), Route::Company("pap".into(), Page::Waiting));
        assert_eq!(
            Route::parse("/PAP/agents/ada/runs/r1", ""),
            Route::Company("PAP".into(), Page::Run("r1".into()))
        );
        assert_eq!(Route::parse("/PAP/nothing/here", ""), Route::Company("PAP".into(), Page::Missing));
    }

    #[test]
    fn a_document_is_named_as_paperclip_does_too() {
        let page =
            |spot: &str| Page::Document { issue: "PAP-1".into(), key: "plan".into(), spot: spot.into() };
        let read = Route::read;
        assert_eq!(read("/PAP/issues/PAP-1#document-plan"), Route::Company("PAP".into(), page("")));
        assert_eq!(read("/issues/PAP-1#document-plan&thread=t"), Route::Last(page("thread=t")));
        assert_eq!(
            read("/PAP/issues/PAP-1#comment-c"),
            Route::Company("PAP".into(), Page::Issue("PAP-1".into()))
        );
        assert_eq!(
            read("/PAP/issues/PAP-1/documents/plan?thread=t"),
            Route::Company("PAP".into(), page("thread=t"))
        );
    }

    #[test]
    fn a_change_of_filter_or_tab_is_not_another_page() {
        assert_eq!(Page::Issues("a=b".into()).key(), Page::Issues(String::new()).key());
        assert_eq!(
            Page::Agent("ada".into(), AgentTab::Runs).key(),
            Page::Agent("ada".into(), AgentTab::Overview).key()
        );
        assert_ne!(Page::Issue("PAP-1".into()).key(), Page::Issue("PAP-2".into()).key());
    }
}
