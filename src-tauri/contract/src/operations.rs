//! The table of operations. One entry declares an operation for every door.
//!
//! Paths, methods and statuses are Paperclip's where it has the route; the rest is this program's own.

use std::collections::BTreeMap;

use crate::activity::*;
use crate::adapter::*;
use crate::agent::*;
use crate::approval::*;
use crate::attachment::*;
use crate::budget::*;
use crate::child::*;
use crate::comment::*;
use crate::company::*;
use crate::cost::*;
use crate::dashboard::*;
use crate::document::*;
use crate::document_annotation::*;
use crate::execution::*;
use crate::feed::*;
use crate::graph::*;
use crate::heartbeat::*;
use crate::instance::*;
use crate::interaction::*;
use crate::issue::*;
use crate::label::*;
use crate::operation::operations;
use crate::planning::*;
use crate::recovery::*;
use crate::run::*;
use crate::search::{Search, SearchResponse};
use crate::transcript::*;
use crate::tree::*;
use crate::wake::*;
use crate::watchdog::*;
use crate::work_product::*;
use crate::workspace::*;
use crate::{CompanyId, Done};

operations! {
    // ---- Instance
    #[doc = "Says whether the program is up."]
    GetHealth = "health.get": Get "/api/health" -> 200, Public, (Nothing) -> Health;
    #[doc = "Says who the caller is, as a session."]
    GetSession = "session.get": Get "/api/auth/get-session" -> 200, Board, (Nothing) -> Session;
    #[doc = "What the whole installation is doing."]
    GetInstanceStatus = "instance.status": Get "/api/instance/status" -> 200, Board, (Nothing) -> InstanceStatus, reads [Instance Run Wakeup Interaction Agent Recovery Approval];
    #[doc = "Stops every new run and cancels the live ones until resumed."]
    PauseInstance = "instance.pause": Post "/api/instance/pause" -> 200, Board, (Nothing) -> InstanceStatus, reads [Instance], changes [Instance Run Wakeup RunEvent Agent Issue Activity];
    #[doc = "Lets runs start again."]
    ResumeInstance = "instance.resume": Post "/api/instance/resume" -> 200, Board, (Nothing) -> InstanceStatus, reads [Instance], changes [Instance Wakeup Run RunEvent Issue Agent Activity];
    #[doc = "Reads the settings of the installation."]
    GetGeneralSettings = "settings.get": Get "/api/instance/settings/general" -> 200, Board, (Nothing) -> GeneralSettings, reads [Instance];
    #[doc = "Changes settings of the installation."]
    PatchSettings = "settings.patch": Patch "/api/instance/settings/general" -> 200, Board, (PatchGeneralSettings) -> GeneralSettings, reads [Instance], changes [Instance];
    #[doc = "Reads what Paperclip keeps behind flags."]
    GetExperimentalSettings = "settings.experimental": Get "/api/instance/settings/experimental" -> 200, Board, (Nothing) -> ExperimentalSettings, reads [Instance];
    #[doc = "Changes what Paperclip keeps behind flags."]
    PatchExperimental = "settings.patch-experimental": Patch "/api/instance/settings/experimental" -> 200, Board, (PatchExperimentalSettings) -> ExperimentalSettings, reads [Instance], changes [Instance];
    #[doc = "Shows where chains of blockers have come to a halt, and who would be asked to find the way out."]
    PreviewUnblocking = "unblocking.preview": Post "/api/instance/settings/experimental/issue-graph-liveness-auto-recovery/preview" -> 200, Board, (UnblockingRequest) -> UnblockingPreview, reads [Issue Agent Run Wakeup Interaction Approval Recovery];
    #[doc = "Asks for the way out of each halt now."]
    RunUnblocking = "unblocking.run": Post "/api/instance/settings/experimental/issue-graph-liveness-auto-recovery/run" -> 200, Board, (UnblockingRequest) -> UnblockingDone, reads [Issue], changes [Issue Comment Activity Wakeup Run RunEvent Agent Recovery];
    #[doc = "Makes a backup of the database now and checks it."]
    CreateBackup = "backups.create": Post "/api/instance/database-backups" -> 201, Board, (Nothing) -> BackupResult, reads [Backup], changes [Backup];
    #[doc = "Lists the backups, newest first."]
    ListBackups = "backups.list": Get "/api/instance/database-backups" -> 200, Board, (Nothing) -> Vec<BackupEntry>, reads [Backup];
    #[doc = "Checks the database, its locks and the log files, and says what to do."]
    Doctor = "doctor.run": Post "/api/instance/doctor" -> 200, Board, (RunDoctor) -> DoctorReport, reads [Instance Run Issue], changes [Issue Run];
    #[doc = "Reads the feed of changes after a cursor."]
    GetChanges = "changes.read": Get "/api/changes" -> 200, Board, (ReadChanges) -> ChangePage;

    // ---- Companies
    #[doc = "Lists the companies."]
    ListCompanies = "companies.list": Get "/api/companies" -> 200, Board, (Nothing) -> Vec<Company>, reads [Company];
    #[doc = "Counts agents and issues by company."]
    GetCompanyStats = "companies.stats": Get "/api/companies/stats" -> 200, Board, (Nothing) -> BTreeMap<CompanyId, CompanyStats>, reads [Company Agent Issue];
    #[doc = "Founds a company."]
    CreateCompanyOp = "companies.create": Post "/api/companies" -> 201, Board, (CreateCompany) -> Company, reads [Company], changes [Company Activity Budget];
    #[doc = "Reads a company."]
    GetCompany = "companies.get": Get "/api/companies/{companyId}" -> 200, Company, (CompanyPath) -> Company, reads [Company Cost];
    #[doc = "Changes a company."]
    UpdateCompanyOp = "companies.update": Patch "/api/companies/{companyId}" -> 200, Board, (UpdateCompany) -> Company, reads [Company], changes [Company Activity Run Wakeup RunEvent Agent Issue Budget Approval Project];
    #[doc = "Archives a company; its data stays."]
    ArchiveCompany = "companies.archive": Post "/api/companies/{companyId}/archive" -> 200, Board, (CompanyPath) -> Company, reads [Company], changes [Company Activity Run Wakeup RunEvent Agent Issue];
    #[doc = "The company at a glance."]
    GetDashboard = "dashboard.get": Get "/api/companies/{companyId}/dashboard" -> 200, Company, (CompanyPath) -> Dashboard, reads [Agent Issue Run Interaction Recovery Approval Budget Company Project];
    #[doc = "Reads the audit trail, newest first."]
    ListActivityOp = "activity.list": Get "/api/companies/{companyId}/activity" -> 200, Company, (ListActivity) -> Vec<Activity>, reads [Activity];
    #[doc = "Searches issues, comments, documents, agents and projects."]
    SearchCompany = "search": Get "/api/companies/{companyId}/search" -> 200, Company, (Search) -> SearchResponse, reads [Issue Comment Document Agent Project] cached;

    // ---- Agents
    #[doc = "Lists the agents, those that are terminated only if asked."]
    ListAgents = "agents.list": Get "/api/companies/{companyId}/agents" -> 200, Company, (ListAgentsIn) -> Vec<Agent>, reads [Agent] cached;
    #[doc = "Creates an agent."]
    CreateAgentOp = "agents.create": Post "/api/companies/{companyId}/agents" -> 201, Company, (CreateAgent) -> Agent, reads [Agent], changes [Agent AgentRevision Instructions Activity Budget];
    #[doc = "The reporting tree."]
    GetOrg = "agents.org": Get "/api/companies/{companyId}/org" -> 200, Company, (CompanyPath) -> Vec<OrgNode>, reads [Agent];
    #[doc = "The calling agent's own identity."]
    GetMe = "agents.me": Get "/api/agents/me" -> 200, Agent, (Nothing) -> AgentDetail, reads [Agent Cost];
    #[doc = "The calling agent's open assignments."]
    GetInboxLite = "agents.inbox": Get "/api/agents/me/inbox-lite" -> 200, Agent, (Nothing) -> Vec<InboxLiteEntry>, reads [Issue Run] cached;
    #[doc = "Reads an agent."]
    GetAgent = "agents.get": Get "/api/agents/{id}" -> 200, Company, (AgentPath) -> AgentDetail, reads [Agent Cost];
    #[doc = "Changes an agent; a change of its configuration leaves a revision."]
    UpdateAgentOp = "agents.update": Patch "/api/agents/{id}" -> 200, Company, (UpdateAgent) -> AgentDetail, reads [Agent], changes [Agent AgentRevision Activity Budget Approval Company Project Run RunEvent Wakeup Issue];
    #[doc = "Changes what an agent may do."]
    UpdatePermissions = "agents.permissions": Patch "/api/agents/{id}/permissions" -> 200, Board, (UpdateAgentPermissions) -> AgentDetail, reads [Agent], changes [Agent Activity];
    #[doc = "Pauses an agent and cancels its live runs."]
    PauseAgent = "agents.pause": Post "/api/agents/{id}/pause" -> 200, Board, (AgentPath) -> Agent, reads [Agent], changes [Agent Run Wakeup RunEvent Issue Activity];
    #[doc = "Lets a paused agent work again."]
    ResumeAgent = "agents.resume": Post "/api/agents/{id}/resume" -> 200, Board, (AgentPath) -> Agent, reads [Agent], changes [Agent Wakeup Run RunEvent Issue Activity];
    #[doc = "Ends an agent for good: cancels its runs and revokes its keys."]
    TerminateAgent = "agents.terminate": Post "/api/agents/{id}/terminate" -> 200, Board, (AgentPath) -> Agent, reads [Agent], changes [Agent AgentKey Run Wakeup RunEvent Issue Activity];
    #[doc = "How an agent is started and woken, secrets masked."]
    GetAgentConfiguration = "agents.configuration": Get "/api/agents/{id}/configuration" -> 200, Company, (AgentPath) -> AgentConfiguration, reads [Agent];
    #[doc = "Reads one revision of the configuration."]
    GetRevision = "agents.revision": Get "/api/agents/{id}/config-revisions/{revisionId}" -> 200, Board, (AgentRevisionPath) -> AgentConfigRevision, reads [AgentRevision];
    #[doc = "Lists the configuration's revisions, newest first."]
    ListRevisions = "agents.revisions": Get "/api/agents/{id}/config-revisions" -> 200, Board, (AgentPath) -> Vec<AgentConfigRevision>, reads [AgentRevision];
    #[doc = "Restores an earlier configuration as a new revision."]
    RollbackAgent = "agents.rollback": Post "/api/agents/{id}/config-revisions/{revisionId}/rollback" -> 200, Board, (AgentRevisionPath) -> Agent, reads [AgentRevision Agent], changes [Agent AgentRevision Activity];
    #[doc = "Lists an agent's keys, without secrets."]
    ListKeys = "agents.keys": Get "/api/agents/{id}/keys" -> 200, Board, (AgentPath) -> Vec<AgentKey>, reads [AgentKey];
    #[doc = "Makes a key for an agent; the token is shown this once."]
    CreateKey = "agents.keys.create": Post "/api/agents/{id}/keys" -> 201, Board, (CreateAgentKey) -> AgentKeyCreated, reads [Agent], changes [AgentKey Activity];
    #[doc = "Revokes a key."]
    RevokeKey = "agents.keys.revoke": Delete "/api/agents/{id}/keys/{keyId}" -> 200, Board, (AgentKeyPath) -> Done, reads [AgentKey], changes [AgentKey Activity];
    #[doc = "What an agent has used and where its session stands."]
    GetRuntimeState = "agents.runtime": Get "/api/agents/{id}/runtime-state" -> 200, Board, (AgentPath) -> AgentRuntimeState, reads [AgentSession Cost];
    #[doc = "The sessions an agent would resume, by task."]
    ListTaskSessions = "agents.sessions": Get "/api/agents/{id}/task-sessions" -> 200, Board, (AgentPath) -> Vec<AgentTaskSession>, reads [AgentSession];
    #[doc = "Makes an agent begin afresh on one task or on all."]
    ResetAgentSession = "agents.sessions.reset": Post "/api/agents/{id}/runtime-state/reset-session" -> 200, Board, (ResetSession) -> AgentRuntimeState, reads [AgentSession], changes [AgentSession Activity];
    #[doc = "Lists the files of an agent's instructions."]
    GetInstructions = "agents.instructions": Get "/api/agents/{id}/instructions-bundle" -> 200, Company, (AgentPath) -> InstructionsBundle, reads [Instructions];
    #[doc = "Reads one file of an agent's instructions."]
    GetInstructionsFile = "agents.instructions.read": Get "/api/agents/{id}/instructions-bundle/file" -> 200, Company, (InstructionsFilePath) -> InstructionsFileDetail, reads [Instructions];
    #[doc = "Writes one file of an agent's instructions."]
    PutInstructionsFile = "agents.instructions.write": Put "/api/agents/{id}/instructions-bundle/file" -> 200, Company, (WriteInstructionsFile) -> InstructionsFileDetail, reads [Instructions], changes [Instructions Activity];
    #[doc = "Deletes one file of an agent's instructions."]
    DeleteInstructionsFile = "agents.instructions.delete": Delete "/api/agents/{id}/instructions-bundle/file" -> 200, Board, (InstructionsFilePath) -> InstructionsBundle, reads [Instructions], changes [Instructions Activity];
    #[doc = "Asks an agent to work; agents may only ask themselves."]
    Wake = "agents.wake": Post "/api/agents/{id}/wakeup" -> 202, Company, (WakeAgent) -> WakeOutcome, reads [Agent Issue Run], changes [Wakeup Run RunEvent Issue Agent Activity];
    #[doc = "Asks an agent to work, in the older form."]
    InvokeHeartbeat = "agents.invoke": Post "/api/agents/{id}/heartbeat/invoke" -> 202, Company, (AgentPath) -> WakeOutcome, reads [Agent Run], changes [Wakeup Run RunEvent Issue Agent Activity];

    // ---- Adapters
    #[doc = "Lists the adapters and the fields of their settings."]
    ListAdapters = "adapters.list": Get "/api/adapters" -> 200, Board, (Nothing) -> Vec<AdapterInfo>, reads [Adapter];
    #[doc = "Says which executables the adapters would start, and why."]
    DetectAdaptersOp = "adapters.detect": Get "/api/adapters/detect" -> 200, Board, (DetectAdapters) -> Vec<AdapterDetection>, reads [Adapter];
    #[doc = "Lists an adapter's models."]
    ListModels = "adapters.models": Get "/api/companies/{companyId}/adapters/{type}/models" -> 200, Company, (ListAdapterModels) -> Vec<AdapterModel>, reads [Adapter];
    #[doc = "Checks that an adapter could run with these settings."]
    TestAdapter = "adapters.test": Post "/api/companies/{companyId}/adapters/{type}/test-environment" -> 200, Board, (TestEnvironment) -> EnvironmentTest, reads [Adapter];

    // ---- Issues
    #[doc = "Lists issues."]
    ListIssuesOp = "issues.list": Get "/api/companies/{companyId}/issues" -> 200, Company, (ListIssues) -> Vec<IssueRow>, reads [Issue Run Label Interaction ReadState Recovery] cached;
    #[doc = "Counts issues, whole and by status."]
    CountIssues = "issues.count": Get "/api/companies/{companyId}/issues/count" -> 200, Company, (ListIssues) -> IssueCount, reads [Issue] cached;
    #[doc = "Creates an issue; an assigned one wakes its agent."]
    CreateIssueOp = "issues.create": Post "/api/companies/{companyId}/issues" -> 201, Company, (CreateIssue) -> IssueDetail, reads [Issue], changes [Issue Company Wakeup Run RunEvent Agent Activity];
    #[doc = "Creates an issue below another one, in its context."]
    CreateChild = "issues.create_child": Post "/api/issues/{id}/children" -> 201, Company, (CreateChildIssue) -> IssueDetail, reads [Issue], changes [Issue Company Wakeup Run RunEvent Agent Activity];
    #[doc = "Reads an issue with all that its page shows."]
    GetIssue = "issues.get": Get "/api/issues/{id}" -> 200, Company, (IssuePath) -> IssueDetail, reads [Issue Label Document Project Goal Run] cached;
    #[doc = "Changes an issue, with a comment if given."]
    UpdateIssueOp = "issues.update": Patch "/api/issues/{id}" -> 200, Company, (UpdateIssue) -> UpdatedIssue, reads [Issue], changes [Recovery Issue Comment Interaction Wakeup Run RunEvent Agent Activity];
    #[doc = "Deletes an issue with all that belongs to it."]
    DeleteIssue = "issues.delete": Delete "/api/issues/{id}" -> 200, Board, (IssuePath) -> Issue, reads [Issue], changes [Issue Comment Document Interaction Run RunEvent Wakeup Agent Activity];
    #[doc = "What an agent needs to know to start on an issue."]
    GetContext = "issues.context": Get "/api/issues/{id}/heartbeat-context" -> 200, Company, (GetHeartbeatContext) -> HeartbeatContext, reads [Issue Comment Project Goal Document];
    #[doc = "Claims an issue for a run."]
    Checkout = "issues.checkout": Post "/api/issues/{id}/checkout" -> 200, Company, (CheckoutIssue) -> Issue, reads [Issue Run], changes [Recovery Issue Wakeup Run RunEvent Agent Activity];
    #[doc = "Gives an issue back to the pool."]
    Release = "issues.release": Post "/api/issues/{id}/release" -> 200, Company, (IssuePath) -> Issue, reads [Issue Run], changes [Issue Wakeup Run RunEvent Agent Activity];
    #[doc = "Breaks an issue's locks."]
    ForceRelease = "issues.force_release": Post "/api/issues/{id}/admin/force-release" -> 200, Board, (ForceReleaseIssue) -> ForceReleased, reads [Issue], changes [Issue Activity];
    #[doc = "Marks an issue as read by the operator."]
    MarkRead = "issues.read": Post "/api/issues/{id}/read" -> 200, Board, (IssuePath) -> IssueReadState, reads [Issue], changes [ReadState];
    #[doc = "Marks an issue as unread."]
    MarkUnread = "issues.unread": Delete "/api/issues/{id}/read" -> 200, Board, (IssuePath) -> IssueReadState, reads [Issue], changes [ReadState];
    #[doc = "What happened to an issue, newest first."]
    ListIssueActivity = "issues.activity": Get "/api/issues/{id}/activity" -> 200, Company, (IssueActivityPath) -> Vec<Activity>, reads [Activity];
    #[doc = "Runs that were about an issue, newest first."]
    ListIssueRuns = "issues.runs": Get "/api/issues/{issueId}/runs" -> 200, Company, (IssueRunsPath) -> Vec<RunSummary>, reads [Run];
    #[doc = "Runs in flight on an issue."]
    ListIssueLiveRuns = "issues.live_runs": Get "/api/issues/{issueId}/live-runs" -> 200, Company, (IssueRunsPath) -> Vec<RunSummary>, reads [Run];
    #[doc = "The run that holds an issue, or null."]
    GetActiveRun = "issues.active_run": Get "/api/issues/{issueId}/active-run" -> 200, Company, (IssueRunsPath) -> Option<RunSummary>, reads [Run];
    #[doc = "Why an issue stands where it stands, and the one action that moves it."]
    GetOutlook = "issues.outlook": Get "/api/issues/{id}/outlook" -> 200, Company, (IssuePath) -> IssueOutlook, reads [Issue Run Wakeup Interaction Agent Recovery TreeHold Approval Budget Company Project];
    #[doc = "Starts a run now that waits for a later time."]
    RetryNowOp = "issues.retry_now": Post "/api/issues/{id}/scheduled-retry/retry-now" -> 200, Board, (IssuePath) -> RetryNow, reads [Run], changes [Run RunEvent Wakeup Issue Activity];
    #[doc = "Lists an issue's recoveries, newest first, and the open one."]
    ListRecoveries = "recovery.list": Get "/api/issues/{id}/recovery-actions" -> 200, Company, (IssuePath) -> RecoveryActions, reads [Recovery];
    #[doc = "Resolves an issue's open recovery and says how the issue goes on."]
    ResolveRecoveryOp = "recovery.resolve": Post "/api/issues/{id}/recovery-actions/resolve" -> 200, Company, (ResolveRecovery) -> RecoveryResolved, reads [Recovery Issue], changes [Recovery Issue Wakeup Run RunEvent Agent Activity];
    #[doc = "Lists the recoveries of a company that are not over, newest first."]
    ListOpenRecoveries = "recovery.open": Get "/api/companies/{companyId}/recovery-actions" -> 200, Company, (CompanyPath) -> Vec<RecoveryAction>, reads [Recovery];

    // ---- Stages and monitors
    #[doc = "Lists what reviewers and approvers decided, oldest first."]
    ListStageDecisions = "stages.decisions": Get "/api/issues/{id}/execution-decisions" -> 200, Company, (IssuePath) -> Vec<StageDecision>, reads [Issue];
    #[doc = "Looks at an issue now that was to be looked at later."]
    CheckMonitorNow = "monitors.check": Post "/api/issues/{id}/monitor/check-now" -> 200, Company, (IssuePath) -> Done, reads [Issue], changes [Issue Comment Recovery Wakeup Run RunEvent Agent Activity];

    // ---- Trees of issues
    #[doc = "Says what an act on a tree of issues would do."]
    PreviewTreeOp = "trees.preview": Post "/api/issues/{id}/tree-control/preview" -> 200, Board, (PreviewTree) -> TreePreview, reads [TreeHold Issue Run];
    #[doc = "Pauses, resumes, cancels or restores an issue with all below it."]
    CreateTreeHoldOp = "trees.hold": Post "/api/issues/{id}/tree-holds" -> 201, Board, (CreateTreeHold) -> TreeHoldMade, reads [TreeHold Issue Run], changes [TreeHold Recovery Interaction Issue Wakeup Run RunEvent Agent Activity];
    #[doc = "The pause that lies over an issue, or null."]
    GetTreeState = "trees.state": Get "/api/issues/{id}/tree-control/state" -> 200, Company, (IssuePath) -> TreeState, reads [TreeHold Issue];
    #[doc = "Lists what was done to the tree below an issue, newest first."]
    ListTreeHoldsOp = "trees.list": Get "/api/issues/{id}/tree-holds" -> 200, Board, (ListTreeHolds) -> Vec<TreeHoldDetail>, reads [TreeHold];
    #[doc = "Reads one act on a tree, with its issues."]
    GetTreeHold = "trees.get": Get "/api/issues/{id}/tree-holds/{holdId}" -> 200, Board, (TreeHoldPath) -> TreeHoldDetail, reads [TreeHold];
    #[doc = "Ends a pause; what stood still is taken up."]
    ReleaseTreeHoldOp = "trees.release": Post "/api/issues/{id}/tree-holds/{holdId}/release" -> 200, Board, (ReleaseTreeHold) -> TreeHoldDetail, reads [TreeHold], changes [TreeHold Issue Wakeup Run RunEvent Agent Activity];

    // ---- Comments
    #[doc = "Lists an issue's comments."]
    ListCommentsOp = "comments.list": Get "/api/issues/{id}/comments" -> 200, Company, (ListComments) -> Vec<IssueComment>, reads [Comment] cached;
    #[doc = "Comments on an issue; may wake its assignee and whoever is mentioned."]
    AddCommentOp = "comments.add": Post "/api/issues/{id}/comments" -> 201, Company, (AddComment) -> IssueComment, reads [Issue], changes [Recovery Comment Issue Interaction Wakeup Run RunEvent Agent Activity];
    #[doc = "Reads one comment."]
    GetComment = "comments.get": Get "/api/issues/{id}/comments/{commentId}" -> 200, Company, (CommentPath) -> IssueComment, reads [Comment];

    // ---- Documents
    #[doc = "Lists an issue's documents."]
    ListDocumentsOp = "documents.list": Get "/api/issues/{id}/documents" -> 200, Company, (ListDocuments) -> Vec<IssueDocument>, reads [Document];
    #[doc = "Reads a document."]
    GetDocumentOp = "documents.get": Get "/api/issues/{id}/documents/{key}" -> 200, Company, (GetDocument) -> AnnotatedDocument, reads [Document];
    #[doc = "Writes a document; each write is a revision."]
    PutDocumentOp = "documents.put": Put "/api/issues/{id}/documents/{key}" -> 200, Company, (PutDocument) -> IssueDocument, reads [Document], changes [Document Interaction Issue Activity];
    #[doc = "Lists a document's revisions, newest first."]
    ListDocumentRevisions = "documents.revisions": Get "/api/issues/{id}/documents/{key}/revisions" -> 200, Company, (DocumentPath) -> Vec<DocumentRevision>, reads [Document];
    #[doc = "Lists a document's revisions without their texts, newest first."]
    ListDocumentHistory = "documents.history": Get "/api/issues/{id}/documents/{key}/history" -> 200, Company, (DocumentPath) -> Vec<RevisionSummary>, reads [Document];
    #[doc = "Reads one revision of a document."]
    GetDocumentRevision = "documents.revision": Get "/api/issues/{id}/documents/{key}/revisions/{revisionId}" -> 200, Company, (RevisionPath) -> DocumentRevision, reads [Document];
    #[doc = "Restores an earlier revision as a new one."]
    RestoreDocument = "documents.restore": Post "/api/issues/{id}/documents/{key}/revisions/{revisionId}/restore" -> 200, Company, (RestoreRevision) -> IssueDocument, reads [Document], changes [Document Interaction Issue Activity];
    #[doc = "Deletes a document."]
    DeleteDocument = "documents.delete": Delete "/api/issues/{id}/documents/{key}" -> 200, Board, (DocumentPath) -> Done, reads [Document], changes [Document Issue Activity];

    #[doc = "Locks a document: only the board writes it until it is unlocked."]
    LockDocument = "documents.lock": Post "/api/issues/{id}/documents/{key}/lock" -> 200, Board, (DocumentPath) -> IssueDocument, reads [Document], changes [Document Issue Activity];
    #[doc = "Unlocks a document."]
    UnlockDocument = "documents.unlock": Post "/api/issues/{id}/documents/{key}/unlock" -> 200, Board, (DocumentPath) -> IssueDocument, reads [Document], changes [Document Issue Activity];

    // ---- Annotations
    #[doc = "Lists the threads about a document's text, in the order of their places."]
    ListAnnotationsOp = "annotations.list": Get "/api/issues/{id}/documents/{key}/annotations" -> 200, Company, (ListAnnotations) -> Vec<DocumentAnnotationThread>, reads [Document];
    #[doc = "Begins a thread about a piece of a document's text, in its newest revision."]
    CreateAnnotationOp = "annotations.create": Post "/api/issues/{id}/documents/{key}/annotations" -> 201, Company, (CreateAnnotation) -> DocumentAnnotationThread, reads [Document], changes [Document Issue Activity Wakeup Run RunEvent Agent];
    #[doc = "Reads a thread with its comments."]
    GetAnnotation = "annotations.get": Get "/api/issues/{id}/documents/{key}/annotations/{threadId}" -> 200, Company, (AnnotationPath) -> DocumentAnnotationThread, reads [Document];
    #[doc = "Adds to a thread."]
    ReplyToAnnotationOp = "annotations.reply": Post "/api/issues/{id}/documents/{key}/annotations/{threadId}/comments" -> 201, Company, (ReplyToAnnotation) -> AnnotationComment, reads [Document], changes [Document Issue Activity Wakeup Run RunEvent Agent];
    #[doc = "Resolves a thread, or opens it again."]
    UpdateAnnotationOp = "annotations.update": Patch "/api/issues/{id}/documents/{key}/annotations/{threadId}" -> 200, Company, (UpdateAnnotation) -> DocumentAnnotationThread, reads [Document], changes [Document Issue Activity];
    #[doc = "Attaches a thread to another piece of the text."]
    AttachAnnotationOp = "annotations.attach": Post "/api/issues/{id}/documents/{key}/annotations/{threadId}/anchor" -> 200, Company, (AttachAnnotation) -> DocumentAnnotationThread, reads [Document], changes [Document Issue Activity];
    #[doc = "Lists what revisions did to a thread's place, newest first."]
    ListAnchorSnapshots = "annotations.snapshots": Get "/api/issues/{id}/documents/{key}/annotations/{threadId}/anchors" -> 200, Company, (AnnotationPath) -> Vec<AnchorRemapSnapshot>, reads [Document];

    // ---- Accepted plans
    #[doc = "Lists what an issue's accepted plans became, newest first."]
    ListDecompositions = "plans.list": Get "/api/issues/{id}/accepted-plan-decompositions" -> 200, Company, (IssuePath) -> Vec<PlanDecomposition>, reads [Decomposition];
    #[doc = "Makes an accepted plan into sub-issues, exactly once however often it is asked for."]
    DecomposePlanOp = "plans.decompose": Post "/api/issues/{id}/accepted-plan-decompositions" -> 200, Company, (DecomposePlan) -> PlanDecomposed, reads [Document Interaction Decomposition], changes [Decomposition Issue Company Wakeup Run RunEvent Agent Activity];
    #[doc = "The files of an issue, oldest first."]
    ListAttachments = "attachments.list": Get "/api/issues/{id}/attachments" -> 200, Company, (IssuePath) -> Vec<Attachment>, reads [Attachment];
    #[doc = "Attaches a file to an issue, or to one of its comments."]
    AddAttachmentOp = "attachments.add": Post "/api/companies/{companyId}/issues/{issueId}/attachments" -> 201, Company, (AddAttachment) -> Attachment, reads [Attachment], changes [Attachment Issue Activity], takes file;
    #[doc = "The bytes of a file."]
    GetAttachmentContent = "attachments.content": Get "/api/attachments/{id}/content" -> 200, Company, (AttachmentPath) -> FileContent, reads [Attachment], gives file;
    #[doc = "The beginning of a file that is text."]
    GetAttachmentText = "attachments.text": Get "/api/attachments/{id}/text" -> 200, Company, (AttachmentPath) -> AttachmentText, reads [Attachment];
    #[doc = "Takes a file away for good."]
    DeleteAttachment = "attachments.delete": Delete "/api/attachments/{id}" -> 200, Company, (AttachmentPath) -> Done, reads [Attachment], changes [Attachment Issue Activity];
    #[doc = "What an issue brought forth, the primary one first."]
    ListWorkProducts = "work-products.list": Get "/api/issues/{id}/work-products" -> 200, Company, (IssuePath) -> Vec<WorkProduct>, reads [WorkProduct];
    #[doc = "The primary work products of all issues of a company."]
    ListPrimaryWorkProducts = "work-products.primary": Get "/api/companies/{companyId}/work-products/primary" -> 200, Company, (CompanyPath) -> Vec<WorkProduct>, reads [WorkProduct] cached;
    #[doc = "Says what an issue brought forth."]
    CreateWorkProductOp = "work-products.create": Post "/api/issues/{id}/work-products" -> 201, Company, (CreateWorkProduct) -> WorkProduct, reads [WorkProduct], changes [WorkProduct Issue Activity];
    #[doc = "Changes what is said of a work product."]
    UpdateWorkProductOp = "work-products.update": Patch "/api/work-products/{id}" -> 200, Company, (UpdateWorkProduct) -> WorkProduct, reads [WorkProduct], changes [WorkProduct Issue Activity];
    #[doc = "Takes a work product off its issue."]
    DeleteWorkProduct = "work-products.delete": Delete "/api/work-products/{id}" -> 200, Company, (WorkProductPath) -> WorkProduct, reads [WorkProduct], changes [WorkProduct Issue Activity];

    // ---- Interactions
    #[doc = "Lists the cards in an issue's thread."]
    ListInteractions = "interactions.list": Get "/api/issues/{id}/interactions" -> 200, Company, (IssuePath) -> Vec<Interaction>, reads [Interaction];
    #[doc = "Puts a card into an issue's thread."]
    CreateInteractionOp = "interactions.create": Post "/api/issues/{id}/interactions" -> 201, Company, (CreateInteraction) -> Interaction, reads [Issue], changes [Recovery Interaction Issue Activity];
    #[doc = "Accepts a confirmation or suggested tasks."]
    AcceptInteractionOp = "interactions.accept": Post "/api/issues/{id}/interactions/{interactionId}/accept" -> 200, Board, (AcceptInteraction) -> Interaction, reads [Interaction], changes [Interaction Issue Company Wakeup Run RunEvent Agent Activity];
    #[doc = "Rejects a card, with a reason."]
    RejectInteractionOp = "interactions.reject": Post "/api/issues/{id}/interactions/{interactionId}/reject" -> 200, Board, (RejectInteraction) -> Interaction, reads [Interaction], changes [Interaction Issue Wakeup Run RunEvent Agent Activity];
    #[doc = "Answers questions."]
    RespondInteractionOp = "interactions.respond": Post "/api/issues/{id}/interactions/{interactionId}/respond" -> 200, Board, (RespondInteraction) -> Interaction, reads [Interaction], changes [Interaction Issue Wakeup Run RunEvent Agent Activity];
    #[doc = "Cancels questions without an answer."]
    CancelInteractionOp = "interactions.cancel": Post "/api/issues/{id}/interactions/{interactionId}/cancel" -> 200, Board, (RejectInteraction) -> Interaction, reads [Interaction], changes [Interaction Issue Wakeup Run RunEvent Agent Activity];

    // ---- Labels, goals, projects
    #[doc = "Lists a company's labels."]
    ListLabels = "labels.list": Get "/api/companies/{companyId}/labels" -> 200, Company, (CompanyPath) -> Vec<IssueLabel>, reads [Label];
    #[doc = "Creates a label."]
    CreateLabelOp = "labels.create": Post "/api/companies/{companyId}/labels" -> 201, Company, (CreateLabel) -> IssueLabel, reads [Label], changes [Label Activity];
    #[doc = "Deletes a label."]
    DeleteLabel = "labels.delete": Delete "/api/labels/{labelId}" -> 200, Company, (LabelPath) -> IssueLabel, reads [Label], changes [Label Issue Activity];
    #[doc = "Lists a company's goals."]
    ListGoals = "goals.list": Get "/api/companies/{companyId}/goals" -> 200, Company, (CompanyPath) -> Vec<Goal>, reads [Goal];
    #[doc = "Sets a goal."]
    CreateGoalOp = "goals.create": Post "/api/companies/{companyId}/goals" -> 201, Company, (CreateGoal) -> Goal, reads [Goal], changes [Goal Activity];
    #[doc = "Reads a goal."]
    GetGoal = "goals.get": Get "/api/goals/{id}" -> 200, Company, (GoalPath) -> Goal, reads [Goal];
    #[doc = "Lists a company's projects."]
    ListProjects = "projects.list": Get "/api/companies/{companyId}/projects" -> 200, Company, (CompanyPath) -> Vec<Project>, reads [Project];
    #[doc = "Starts a project."]
    CreateProjectOp = "projects.create": Post "/api/companies/{companyId}/projects" -> 201, Company, (CreateProject) -> Project, reads [Project], changes [Project Workspace Activity];
    #[doc = "Reads a project."]
    GetProject = "projects.get": Get "/api/projects/{id}" -> 200, Company, (ProjectPath) -> ProjectDetail, reads [Project Workspace];
    #[doc = "Changes a project."]
    UpdateProjectOp = "projects.update": Patch "/api/projects/{id}" -> 200, Company, (UpdateProject) -> Project, reads [Project], changes [Project Activity];

    // ---- Workspaces
    #[doc = "Lists where a project's code lies."]
    ListProjectWorkspaces = "project-workspaces.list": Get "/api/projects/{id}/workspaces" -> 200, Company, (ProjectPath) -> Vec<ProjectWorkspace>, reads [Project Workspace];
    #[doc = "Says where a project's code lies."]
    CreateProjectWorkspaceOp = "project-workspaces.create": Post "/api/projects/{id}/workspaces" -> 201, Board, (CreateProjectWorkspace) -> ProjectWorkspace, reads [Project Workspace], changes [Workspace Activity];
    #[doc = "Changes where a project's code lies."]
    UpdateProjectWorkspaceOp = "project-workspaces.update": Patch "/api/projects/{id}/workspaces/{workspaceId}" -> 200, Board, (UpdateProjectWorkspace) -> ProjectWorkspace, reads [Project Workspace], changes [Workspace Activity];
    #[doc = "Forgets where a project's code lies; the code stays."]
    DeleteProjectWorkspace = "project-workspaces.delete": Delete "/api/projects/{id}/workspaces/{workspaceId}" -> 200, Board, (ProjectWorkspacePath) -> ProjectWorkspace, reads [Project Workspace], changes [Workspace Activity];
    #[doc = "Lists the workspaces in which issues are worked on, last used first."]
    ListExecutionWorkspacesOp = "execution-workspaces.list": Get "/api/companies/{companyId}/execution-workspaces" -> 200, Company, (ListExecutionWorkspaces) -> Vec<ExecutionWorkspace>, reads [Workspace];
    #[doc = "Reads a workspace."]
    GetExecutionWorkspace = "execution-workspaces.get": Get "/api/execution-workspaces/{id}" -> 200, Company, (ExecutionWorkspacePath) -> ExecutionWorkspace, reads [Workspace];
    #[doc = "Says whether a workspace can be closed, and what would be done."]
    GetCloseReadiness = "execution-workspaces.close-readiness": Get "/api/execution-workspaces/{id}/close-readiness" -> 200, Company, (ExecutionWorkspacePath) -> CloseReadiness, reads [Workspace Issue Run];
    #[doc = "Changes a workspace, or closes it: its state is kept for thirty days, then its folder goes."]
    UpdateExecutionWorkspaceOp = "execution-workspaces.update": Patch "/api/execution-workspaces/{id}" -> 200, Board, (UpdateExecutionWorkspace) -> ExecutionWorkspace, reads [Workspace Issue Run], changes [Workspace Issue Wakeup Run RunEvent Agent Activity];
    #[doc = "Lists the steps in a workspace's life, newest first."]
    ListWorkspaceOperations = "execution-workspaces.operations": Get "/api/execution-workspaces/{id}/workspace-operations" -> 200, Company, (ExecutionWorkspacePath) -> Vec<WorkspaceOperation>, reads [Workspace];
    #[doc = "Lists the steps that a run took in workspaces, oldest first."]
    ListRunWorkspaceOperations = "runs.workspace-operations": Get "/api/heartbeat-runs/{runId}/workspace-operations" -> 200, Company, (RunPath) -> Vec<WorkspaceOperation>, reads [Run Workspace];
    #[doc = "Reads what a step in a workspace's life wrote."]
    ReadWorkspaceOperationLogOp = "workspace-operations.log": Get "/api/workspace-operations/{operationId}/log" -> 200, Company, (ReadWorkspaceOperationLog) -> WorkspaceOperationLog, reads [Workspace];
    #[doc = "Reads where an issue is worked on, with what git says of it."]
    GetIssueWorkspace = "issues.workspace": Get "/api/issues/{id}/workspace" -> 200, Company, (IssuePath) -> IssueWorkspace, reads [Workspace];
    #[doc = "Reads how one file of an issue's workspace differs from the base."]
    ReadWorkspaceDiffOp = "issues.workspace.diff": Get "/api/issues/{id}/workspace/diff" -> 200, Company, (ReadWorkspaceDiff) -> WorkspaceDiff, reads [Workspace];
    #[doc = "Measures what an issue's workspace takes on its disk."]
    GetWorkspaceDiskUse = "issues.workspace.disk": Get "/api/issues/{id}/workspace/disk-use" -> 200, Company, (IssuePath) -> WorkspaceDiskUse, reads [Workspace];
    #[doc = "Lists what is kept of workspaces that were taken away, newest first."]
    ListWorkspaceTrash = "workspace-trash.list": Get "/api/companies/{companyId}/workspace-trash" -> 200, Company, (CompanyPath) -> Vec<TrashedWorkspace>, reads [Workspace];
    #[doc = "Brings a workspace back from the trash."]
    RestoreWorkspace = "workspace-trash.restore": Post "/api/workspace-trash/{trashId}/restore" -> 200, Board, (TrashPath) -> ExecutionWorkspace, reads [Workspace], changes [Workspace Issue Activity];

    // ---- Runs and wakes
    #[doc = "Lists runs, newest first."]
    ListRunsOp = "runs.list": Get "/api/companies/{companyId}/heartbeat-runs" -> 200, Company, (ListRuns) -> Vec<RunSummary>, reads [Run];
    #[doc = "Lists runs in flight."]
    ListLiveRunsOp = "runs.live": Get "/api/companies/{companyId}/live-runs" -> 200, Company, (ListLiveRuns) -> Vec<RunSummary>, reads [Run];
    #[doc = "Lists wake attempts with what became of each, newest first."]
    ListWakeupsOp = "wakeups.list": Get "/api/companies/{companyId}/wakeup-requests" -> 200, Company, (ListWakeups) -> Vec<WakeupLine>, reads [Wakeup Run Issue];
    #[doc = "Reads a run."]
    GetRun = "runs.get": Get "/api/heartbeat-runs/{runId}" -> 200, Company, (RunPath) -> RunDetail, reads [Run];
    #[doc = "Says what is made of a run that says nothing."]
    DecideOnSilenceOp = "runs.decide_on_silence": Post "/api/heartbeat-runs/{runId}/watchdog-decisions" -> 201, Company, (DecideOnSilence) -> WatchdogDecision, reads [Run Issue], changes [Run RunEvent Issue Comment Recovery Wakeup Agent Activity];
    #[doc = "Lists the issues that a run touched."]
    ListRunIssues = "runs.issues": Get "/api/heartbeat-runs/{runId}/issues" -> 200, Company, (RunPath) -> Vec<IssueSummary>, reads [Run Issue Activity];
    #[doc = "What a run that is not at work waits for, or null."]
    GetRunOutlook = "runs.outlook": Get "/api/heartbeat-runs/{runId}/outlook" -> 200, Company, (RunPath) -> Option<RunOutlook>, reads [Run Agent Instance];
    #[doc = "Stops a run."]
    CancelRun = "runs.cancel": Post "/api/heartbeat-runs/{runId}/cancel" -> 200, Board, (RunPath) -> Run, reads [Run], changes [Run Wakeup RunEvent Issue Agent Activity];
    #[doc = "Lists the steps of a run."]
    ListRunEventsOp = "runs.events": Get "/api/heartbeat-runs/{runId}/events" -> 200, Company, (ListRunEvents) -> Vec<RunEvent>, reads [RunEvent];
    #[doc = "Reads a slice of a run's log."]
    ReadRunLogOp = "runs.log": Get "/api/heartbeat-runs/{runId}/log" -> 200, Company, (ReadRunLog) -> RunLogSlice, reads [Run];
    #[doc = "Reads a page of a run's transcript."]
    ReadTranscriptOp = "runs.transcript": Get "/api/heartbeat-runs/{runId}/transcript" -> 200, Company, (ReadTranscript) -> TranscriptPage, reads [Run];

    // ---- Costs and budgets
    #[doc = "Reports what an agent used that the program did not see; agents report for themselves alone."]
    ReportCostOp = "costs.report": Post "/api/companies/{companyId}/cost-events" -> 201, Company, (ReportCost) -> CostEvent, reads [Cost], changes [Cost Budget Approval Agent Company Project Run RunEvent Wakeup Issue Activity];
    #[doc = "What a company spent within a time, beside its monthly budget."]
    GetCostSummary = "costs.summary": Get "/api/companies/{companyId}/costs/summary" -> 200, Company, (CostRange) -> CompanyCosts, reads [Cost Company];
    #[doc = "What each agent used and cost within a time, the dearest first."]
    ListCostsByAgent = "costs.by_agent": Get "/api/companies/{companyId}/costs/by-agent" -> 200, Company, (CostRange) -> Vec<CostByAgent>, reads [Cost Agent];
    #[doc = "The same by agent and model."]
    ListCostsByAgentModel = "costs.by_agent_model": Get "/api/companies/{companyId}/costs/by-agent-model" -> 200, Company, (CostRange) -> Vec<CostByAgentModel>, reads [Cost Agent];
    #[doc = "The same by provider and model."]
    ListCostsByProvider = "costs.by_provider": Get "/api/companies/{companyId}/costs/by-provider" -> 200, Company, (CostRange) -> Vec<CostByProviderModel>, reads [Cost];
    #[doc = "The same by project."]
    ListCostsByProject = "costs.by_project": Get "/api/companies/{companyId}/costs/by-project" -> 200, Company, (CostRange) -> Vec<CostByProject>, reads [Cost Project];
    #[doc = "The same by who sends the bill."]
    ListCostsByBiller = "costs.by_biller": Get "/api/companies/{companyId}/costs/by-biller" -> 200, Company, (CostRange) -> Vec<CostByBiller>, reads [Cost];
    #[doc = "What was spent in the last 5 hours, day and week, by provider."]
    ListWindowSpend = "costs.window_spend": Get "/api/companies/{companyId}/costs/window-spend" -> 200, Company, (CompanyPath) -> Vec<CostWindowSpend>, reads [Cost];
    #[doc = "What an issue cost, with all below it."]
    GetIssueCosts = "costs.of_issue": Get "/api/issues/{id}/cost-summary" -> 200, Company, (IssueCostsOf) -> IssueCostSummary, reads [Cost Issue Run];
    #[doc = "A company's budgets, what is spent of each, and what waits for a decision."]
    GetBudgets = "budgets.overview": Get "/api/companies/{companyId}/budgets/overview" -> 200, Company, (CompanyPath) -> BudgetOverview, reads [Budget Cost Approval Company Agent Project Run];
    #[doc = "Sets a budget of a company, an agent or a project; an amount of zero lifts it."]
    UpsertPolicy = "budgets.set": Post "/api/companies/{companyId}/budgets/policies" -> 200, Board, (UpsertBudgetPolicy) -> BudgetPolicySummary, reads [Budget], changes [Budget Approval Agent Company Project Run RunEvent Wakeup Issue Activity];
    #[doc = "Raises a spent budget and lets its work go on, or keeps it paused."]
    ResolveIncident = "budgets.resolve": Post "/api/companies/{companyId}/budget-incidents/{incidentId}/resolve" -> 200, Board, (ResolveBudgetIncident) -> BudgetIncident, reads [Budget], changes [Budget Approval Agent Company Project Run RunEvent Wakeup Issue Activity];
    #[doc = "Sets a company's monthly budget."]
    SetCompanyBudget = "budgets.company": Patch "/api/companies/{companyId}/budgets" -> 200, Board, (UpdateCompanyBudget) -> Company, reads [Company], changes [Budget Approval Agent Company Project Run RunEvent Wakeup Issue Activity];
    #[doc = "Sets an agent's monthly budget."]
    SetAgentBudget = "budgets.agent": Patch "/api/agents/{agentId}/budgets" -> 200, Board, (UpdateAgentBudget) -> Agent, reads [Agent], changes [AgentRevision Budget Approval Agent Company Project Run RunEvent Wakeup Issue Activity];

    // ---- Approvals
    #[doc = "Lists what the board is or was asked, newest first."]
    ListApprovalsOp = "approvals.list": Get "/api/companies/{companyId}/approvals" -> 200, Company, (ListApprovals) -> Vec<Approval>, reads [Approval];
    #[doc = "Reads an approval."]
    GetApproval = "approvals.get": Get "/api/approvals/{id}" -> 200, Company, (ApprovalPath) -> Approval, reads [Approval];
    #[doc = "Asks the board; agents ask for themselves."]
    CreateApprovalOp = "approvals.create": Post "/api/companies/{companyId}/approvals" -> 201, Company, (CreateApproval) -> Approval, reads [Approval Issue Agent], changes [Approval Activity];
    #[doc = "Approves, and does what was asked: raises the budget, lets the agent begin."]
    Approve = "approvals.approve": Post "/api/approvals/{id}/approve" -> 200, Board, (DecideApproval) -> Approval, reads [Approval], changes [Instructions AgentRevision Budget Approval Agent Company Project Run RunEvent Wakeup Issue Activity];
    #[doc = "Rejects."]
    Reject = "approvals.reject": Post "/api/approvals/{id}/reject" -> 200, Board, (DecideApproval) -> Approval, reads [Approval], changes [AgentKey Budget Approval Agent Company Project Run RunEvent Wakeup Issue Activity];
    #[doc = "Sends what was asked back to who asked, to be asked differently."]
    RequestRevision = "approvals.request_revision": Post "/api/approvals/{id}/request-revision" -> 200, Board, (DecideApproval) -> Approval, reads [Approval], changes [Approval Wakeup Run RunEvent Agent Issue Activity];
    #[doc = "Asks again after a revision; for who asked."]
    Resubmit = "approvals.resubmit": Post "/api/approvals/{id}/resubmit" -> 200, Company, (ResubmitApproval) -> Approval, reads [Approval], changes [Approval Activity];
    #[doc = "The issues that an approval is about."]
    ListApprovalIssues = "approvals.issues": Get "/api/approvals/{id}/issues" -> 200, Company, (ApprovalPath) -> Vec<Issue>, reads [Approval Issue];
    #[doc = "What was said about an approval, oldest first."]
    ListApprovalComments = "approvals.comments": Get "/api/approvals/{id}/comments" -> 200, Company, (ApprovalPath) -> Vec<ApprovalComment>, reads [Approval];
    #[doc = "Says something about an approval."]
    AddApprovalCommentOp = "approvals.comment": Post "/api/approvals/{id}/comments" -> 201, Company, (AddApprovalComment) -> ApprovalComment, reads [Approval], changes [Approval Activity];
    #[doc = "The approvals that an issue is tied to."]
    ListIssueApprovals = "issues.approvals": Get "/api/issues/{id}/approvals" -> 200, Company, (IssuePath) -> Vec<Approval>, reads [Approval Issue];
    #[doc = "Ties an approval to an issue; an agent needs the right to hire."]
    LinkApproval = "issues.approvals.link": Post "/api/issues/{id}/approvals" -> 201, Company, (LinkIssueApproval) -> Vec<Approval>, reads [Approval Issue], changes [Approval Activity];
    #[doc = "Unties an approval from an issue."]
    UnlinkApproval = "issues.approvals.unlink": Delete "/api/issues/{id}/approvals/{approvalId}" -> 200, Company, (LinkIssueApproval) -> Done, reads [Approval Issue], changes [Approval Activity];
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::{Access, Method};

    #[test]
    fn names_and_routes_are_unique() {
        let mut names = HashSet::new();
        let mut routes = HashSet::new();
        for op in ALL {
            assert!(names.insert(op.name), "{} is declared twice", op.name);
            assert!(routes.insert((op.method, op.path)), "{} {} is declared twice", op.method, op.path);
        }
    }

    #[test]
    fn every_path_parameter_is_a_field_of_the_input() {
        for op in ALL {
            let mut g = schemars::SchemaGenerator::default();
            let schema = (op.input_schema)(&mut g);
            let value = serde_json::to_value(&schema).unwrap();
            let name = value["$ref"].as_str().map(|r| r.rsplit('/').next().unwrap().to_owned());
            let full = name.map_or(value, |n| g.definitions()[&n].clone());
            for p in op.path_parameters() {
                assert!(full["properties"].get(p).is_some(), "{}: no field {p} in the input", op.name);
            }
        }
    }

    #[test]
    fn reading_changes_nothing_and_only_health_is_public() {
        for op in ALL {
            if op.method == Method::Get {
                assert!(op.changes.is_empty(), "{} reads and changes", op.name);
            }
            if op.access == Access::Public {
                assert_eq!(op.name, "health.get");
            }
        }
    }
}
