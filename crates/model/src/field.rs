//! The scalar fields of a log: one table that ingestion, storage, columns, filters, sorts and exports all read.
//!
//! Adding a line here adds a field everywhere (contract C.8 and D.1). Structured values (input, output, tools, …) are
//! not here: they live in the payload, see [`TextField`] for those a filter can name.

use crate::scalar::Kind;

/// Where a field may be written from and where it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Name on the wire and in storage.
    pub name: &'static str,
    /// Type.
    pub kind: Kind,
    /// Other names accepted in filters, sorts and bodies.
    pub aliases: &'static [&'static str],
    /// A caller may write it on ingestion or by PATCH (contract D.1 "In").
    pub writable: bool,
    /// Always present in list rows (contract B.9 "List row").
    pub in_list: bool,
}

macro_rules! fields {
    ($($(#[$doc:meta])* $variant:ident $name:literal $kind:ident [$($alias:literal),*] $write:ident $list:ident;)*) => {
        /// A scalar field of a log (contract D.1).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Field { $($(#[$doc])* $variant,)* }

        impl Field {
            /// Every field, in storage order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];
            const SPECS: &'static [Spec] = &[$(Spec {
                name: $name, kind: Kind::$kind, aliases: &[$($alias),*],
                writable: fields!(@write $write), in_list: fields!(@list $list),
            },)*];
        }
    };
    (@write w) => { true }; (@write r) => { false };
    (@list l) => { true }; (@list x) => { false };
}

// name, type, aliases, w = writable / r = set by the server, l = in list rows / x = detail or `include_fields` only
fields! {
    /// Completion time.
    Timestamp "timestamp" Time ["created_at"] w l;
    /// Start of the request.
    StartTime "start_time" Time [] w l;
    /// `prod` or `test`, from the key.
    Environment "environment" Text [] r l;
    /// Kind of call, lower case (contract D.2).
    LogType "log_type" Text [] w l;
    /// How it came in.
    LogMethod "log_method" Text [] r x;
    /// Model name.
    Model "model" Text [] w l;
    /// Provider, e.g. `openai`.
    ProviderId "provider_id" Text ["provider"] w x;
    /// Deployment id.
    DeploymentId "deployment_id" Text [] w x;
    /// Deployment name.
    DeploymentName "deployment_name" Text [] w x;
    /// Foundation model.
    FoundationModel "foundation_model" Text [] w x;
    /// Full model name.
    FullModelName "full_model_name" Text [] w x;
    /// Id of the API key that wrote it.
    OrganizationKeyId "organization_key_id" Text [] r x;
    /// Name of the API key that wrote it.
    OrganizationKeyName "organization_key_name" Text [] r x;
    /// `success` or `error`.
    Status "status" Text [] w l;
    /// HTTP-like status.
    StatusCode "status_code" Int [] w l;
    /// Error code.
    ErrorCode "error_code" Text [] w x;
    /// Error text.
    ErrorMessage "error_message" Text [] w x;
    /// `status` is `error`; derived.
    Failed "failed" Bool [] r x;
    /// Prompt tokens.
    PromptTokens "prompt_tokens" Int ["input_tokens"] w l;
    /// Completion tokens.
    CompletionTokens "completion_tokens" Int ["output_tokens"] w l;
    /// Total tokens: given, else the sum of the two.
    TotalRequestTokens "total_request_tokens" Int ["total_tokens", "all_tokens"] w l;
    /// Tokens read from the provider's cache.
    PromptCacheHitTokens "prompt_cache_hit_tokens" Int [] w x;
    /// Tokens written to the provider's cache.
    PromptCacheCreationTokens "prompt_cache_creation_tokens" Int [] w x;
    /// Reasoning tokens.
    ReasoningTokens "reasoning_tokens" Int [] w x;
    /// Cost, USD.
    Cost "cost" Float [] w l;
    /// Latency, seconds.
    Latency "latency" Float ["generation_time"] w l;
    /// Time to first token, seconds.
    TimeToFirstToken "time_to_first_token" Float ["ttft"] w x;
    /// Completion tokens a second.
    TokensPerSecond "tokens_per_second" Float [] w x;
    /// Routing time, seconds; 0 here.
    RoutingTime "routing_time" Float [] w x;
    /// Stored prompt's id.
    PromptId "prompt_id" Text [] w x;
    /// Stored prompt's name.
    PromptName "prompt_name" Text [] w x;
    /// Stored prompt's version.
    PromptVersionNumber "prompt_version_number" Int [] w x;
    /// Customer id.
    CustomerIdentifier "customer_identifier" Text [] w x;
    /// Customer e-mail.
    CustomerEmail "customer_email" Text [] w x;
    /// Customer name.
    CustomerName "customer_name" Text [] w x;
    /// The caller's own tag.
    CustomIdentifier "custom_identifier" Text [] w l;
    /// Group tag.
    GroupIdentifier "group_identifier" Text [] w x;
    /// Thread tag.
    ThreadIdentifier "thread_identifier" Text [] w x;
    /// Session tag.
    SessionIdentifier "session_identifier" Text ["session_id"] w x;
    /// Evaluation tag.
    EvaluationIdentifier "evaluation_identifier" Text [] w x;
    /// Trace id.
    TraceUniqueId "trace_unique_id" Text [] w x;
    /// Span id.
    SpanUniqueId "span_unique_id" Text [] w x;
    /// Parent span id.
    SpanParentId "span_parent_id" Text [] w x;
    /// Span name, at most 255 characters.
    SpanName "span_name" Text [] w x;
    /// Workflow name.
    SpanWorkflowName "span_workflow_name" Text ["workflow_name"] w x;
    /// Path of the span in its workflow.
    SpanPath "span_path" Text [] w x;
    /// Trace group tag.
    TraceGroupIdentifier "trace_group_identifier" Text [] w x;
    /// Has no parent span; derived.
    IsRootSpan "is_root_span" Bool [] r x;
    /// Sampling temperature.
    Temperature "temperature" Float [] w x;
    /// Nucleus sampling.
    TopP "top_p" Float [] w x;
    /// Frequency penalty.
    FrequencyPenalty "frequency_penalty" Float [] w x;
    /// Presence penalty.
    PresencePenalty "presence_penalty" Float [] w x;
    /// Token limit of the request.
    MaxTokens "max_tokens" Int [] w x;
    /// Completions asked for.
    N "n" Int [] w x;
    /// Streamed.
    Stream "stream" Bool [] w x;
    /// Answered by the gateway's cache.
    CacheHit "cache_hit" Bool [] w x;
    /// Cache key.
    CacheKey "cache_key" Text [] w x;
    /// Plan-limited record; always false here.
    Blurred "blurred" Bool [] r x;
    /// Tool calls were returned; derived.
    HasToolCalls "has_tool_calls" Bool [] r x;
    /// Warnings are present; derived.
    HasWarnings "has_warnings" Bool [] r x;
    /// Thumbs up or down.
    PositiveFeedback "positive_feedback" Bool [] w x;
    /// Free note.
    Note "note" Text [] w x;
    /// Category.
    Category "category" Text [] w x;
    /// Pinned.
    IsPinned "is_pinned" Bool [] w x;
    /// `pending`, `in_progress` or `completed`; dataset and saved rows only (contract G.3).
    AnnotationStatus "annotation_status" Text [] w l;
    /// E-mail of who completed the annotation.
    AnnotationCompletedBy "annotation_completed_by" Text [] r l;
    /// When the annotation was completed.
    AnnotationCompletedAt "annotation_completed_at" Time [] r x;
    /// Who has the row to annotate; with no lease, who passed it over.
    AnnotationAssignee "annotation_assignee" Text [] r x;
    /// The row is the assignee's until then.
    AnnotationLeaseUntil "annotation_lease_until" Time [] r x;
}

impl Field {
    /// What is known of a row's annotation. Dataset and saved rows only (contract C.8, G.3): request logs do not show
    /// it, and a copied row starts without it (H10).
    pub const ANNOTATION: &'static [Self] = &[
        Self::AnnotationStatus,
        Self::AnnotationCompletedBy,
        Self::AnnotationCompletedAt,
        Self::AnnotationAssignee,
        Self::AnnotationLeaseUntil,
    ];

    /// The line of the table.
    pub fn spec(self) -> &'static Spec {
        &Self::SPECS[self as usize]
    }

    /// Name on the wire.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// Type.
    pub fn kind(self) -> Kind {
        self.spec().kind
    }

    /// Position in [`Field::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }

    /// The field of this name or alias.
    pub fn named(name: &str) -> Option<Self> {
        static BY_NAME: std::sync::LazyLock<std::collections::HashMap<&'static str, Field>> =
            std::sync::LazyLock::new(|| {
                Field::ALL
                    .iter()
                    .flat_map(|field| {
                        std::iter::once(field.name())
                            .chain(field.spec().aliases.iter().copied())
                            .map(|name| (name, *field))
                    })
                    .collect()
            });
        BY_NAME.get(name).copied()
    }
}

/// A field whose text comes from the payload: structures are their compact JSON text (contract C.8). Cannot be sorted
/// by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TextField {
    /// Universal input.
    Input,
    /// Universal output.
    Output,
    /// Target for evaluation.
    ExpectedOutput,
    /// Input read as messages (contract D.3).
    Messages,
    /// Text view of the input.
    Prompt,
    /// Text view of the output.
    Completion,
    /// Input text, a line feed, output text.
    FullText,
    /// Tool definitions.
    Tools,
    /// Prompt variables.
    Variables,
    /// Typed metadata.
    Properties,
}

impl TextField {
    /// Every text field.
    pub const ALL: &'static [Self] = &[
        Self::Input,
        Self::Output,
        Self::ExpectedOutput,
        Self::Messages,
        Self::Prompt,
        Self::Completion,
        Self::FullText,
        Self::Tools,
        Self::Variables,
        Self::Properties,
    ];

    /// Name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::ExpectedOutput => "expected_output",
            Self::Messages => "messages",
            Self::Prompt => "prompt",
            Self::Completion => "completion",
            Self::FullText => "full_text",
            Self::Tools => "tools",
            Self::Variables => "variables",
            Self::Properties => "properties",
        }
    }

    /// The text field of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.name() == name)
    }
}
