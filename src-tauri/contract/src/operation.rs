//! What an operation is: one declaration that every door, the permission table and the OpenAPI document come from.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::words::words;

words! {
    pub enum Method {
        Get = "GET",
        Post = "POST",
        Put = "PUT",
        Patch = "PATCH",
        Delete = "DELETE",
    }
}

words! {
    /// Kinds of data, as operations declare what they read and change and as the change feed names what changed.
    pub enum Kind {
        Instance = "instance",
        Company = "company",
        Agent = "agent",
        AgentKey = "agent_key",
        AgentRevision = "agent_revision",
        AgentSession = "agent_session",
        Instructions = "instructions",
        Issue = "issue",
        Comment = "comment",
        Label = "label",
        Document = "document",
        Interaction = "interaction",
        ReadState = "read_state",
        Project = "project",
        Goal = "goal",
        Run = "run",
        RunEvent = "run_event",
        Wakeup = "wakeup",
        Activity = "activity",
        Adapter = "adapter",
        Backup = "backup",
        Recovery = "recovery",
        TreeHold = "tree_hold",
        Decomposition = "decomposition",
        Approval = "approval",
        /// Budgets and their incidents.
        Budget = "budget",
        /// The ledger of what was used.
        Cost = "cost",
        Workspace = "workspace",
        Attachment = "attachment",
        WorkProduct = "work_product",
    }
}

words! {
    /// Who may call. The engine further checks that the thing belongs to the caller's company.
    pub enum Access {
        /// Anybody on this machine, without a token.
        Public = "public",
        /// The operator, and agents within their own company.
        Company = "company",
        /// The operator alone.
        Board = "board",
        /// Agents alone: it is about the caller itself.
        Agent = "agent",
    }
}

/// Whether bytes go along with an operation. Declared as `takes file` or `gives file`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bytes {
    None,
    /// The caller brings a file: an upload that its input names. Over HTTP it is a part of the request.
    Taken,
    /// The answer says where a file lies ([`crate::attachment::FileContent`]), and the door sends that.
    Given,
}

/// A declared operation. `engine` implements each once; the doors are generic over this trait.
pub trait Operation: 'static {
    /// Dotted name, stable: the name of the IPC call and the MCP tool.
    const NAME: &'static str;
    const METHOD: Method;
    /// Path with `{parameters}`, each of them a field of the input.
    const PATH: &'static str;
    const ACCESS: Access;
    /// HTTP status of success.
    const STATUS: u16;
    /// One sentence.
    const SUMMARY: &'static str;
    const READS: &'static [Kind];
    /// Kinds whose changes may stand in the feed after a call. Empty: the call changes nothing.
    const CHANGES: &'static [Kind];
    /// Whether the answer follows from the database, the input and the caller alone, neither from the clock nor
    /// from files, so that it may be given again until the next commit. Declared as `reads [...] cached`.
    const CACHED: bool;
    const BYTES: Bytes;
    type Input: Serialize + DeserializeOwned + JsonSchema + Send + 'static;
    type Output: Serialize + DeserializeOwned + JsonSchema + Send + 'static;
}

/// The same declaration as a value, for tables.
#[derive(Clone, Copy, Debug)]
pub struct OperationInfo {
    pub name: &'static str,
    pub method: Method,
    pub path: &'static str,
    pub access: Access,
    pub status: u16,
    pub summary: &'static str,
    pub cached: bool,
    pub bytes: Bytes,
    pub reads: &'static [Kind],
    pub changes: &'static [Kind],
    pub input_schema: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
    pub output_schema: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
}

impl OperationInfo {
    pub const fn of<O: Operation>() -> Self {
        Self {
            name: O::NAME,
            method: O::METHOD,
            path: O::PATH,
            access: O::ACCESS,
            status: O::STATUS,
            summary: O::SUMMARY,
            cached: O::CACHED,
            bytes: O::BYTES,
            reads: O::READS,
            changes: O::CHANGES,
            input_schema: |g| g.subschema_for::<O::Input>(),
            output_schema: |g| g.subschema_for::<O::Output>(),
        }
    }

    /// Names of the path's parameters, in order.
    pub fn path_parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('/').filter_map(|s| s.strip_prefix('{')?.strip_suffix('}'))
    }
}

/// Declares the operations, and exports `with_operations!`, which hands the list of their types to another macro.
macro_rules! operations {
    ($(
        $(#[doc = $summary:literal])+
        $name:ident = $dotted:literal: $method:ident $path:literal -> $status:literal,
        $access:ident, ($input:ty) -> $output:ty
        $(, reads [$($read:ident)*] $($cached:ident)?)? $(, changes [$($change:ident)*])?
        $(, takes $taken:ident)? $(, gives $given:ident)?;
    )*) => {
        $(
            $(#[doc = $summary])+
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl $crate::Operation for $name {
                const NAME: &'static str = $dotted;
                const METHOD: $crate::Method = $crate::Method::$method;
                const PATH: &'static str = $path;
                const ACCESS: $crate::Access = $crate::Access::$access;
                const STATUS: u16 = $status;
                const SUMMARY: &'static str = concat!($($summary),+);
                const READS: &'static [$crate::Kind] = &[$($($crate::Kind::$read),*)?];
                const CHANGES: &'static [$crate::Kind] = &[$($($crate::Kind::$change),*)?];
                const CACHED: bool = !concat!($($(stringify!($cached))?)?).is_empty();
                const BYTES: $crate::Bytes =
                    match (concat!($(stringify!($taken))?).is_empty(), concat!($(stringify!($given))?).is_empty()) {
                        (false, _) => $crate::Bytes::Taken,
                        (_, false) => $crate::Bytes::Given,
                        _ => $crate::Bytes::None,
                    };
                type Input = $input;
                type Output = $output;
            }
        )*

        /// Every operation, in the order of declaration.
        pub static ALL: &[$crate::OperationInfo] = &[$($crate::OperationInfo::of::<$name>()),*];

        /// Calls `$callback!` with the types of every operation.
        #[macro_export]
        macro_rules! with_operations {
            ($callback:ident) => {
                $callback! { $($name)* }
            };
        }
    };
}

pub(crate) use operations;
