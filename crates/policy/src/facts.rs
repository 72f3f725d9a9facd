//! What a decision is made from. Whoever asks loads these; the policies never look anything up.

use crate::{Act, Purpose, Role};
use callvault_model::{EntityType, id::AccountId};
use std::{collections::BTreeSet, sync::Arc};

/// One question: may this actor do this act on this thing, here and now?
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Facts {
    /// Who asks.
    pub actor: ActorFacts,
    /// What for.
    pub act: Act,
    /// On what.
    pub resource: ResourceFacts,
    /// Why, where the act reads something.
    pub purpose: Option<Purpose>,
    /// Whether a reason in words was given.
    pub has_reason: bool,
    /// The act of a right for a while that is active now, covers this thing and has this purpose.
    pub grant: Option<Act>,
    /// A course that this act needs is not valid for this person.
    pub needs_course: bool,
    /// The hour at the site, 0 to 23: reading at night is marked in the ledger.
    pub now_hour: u8,
}

/// Who asks, and how sure we are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ActorFacts {
    /// The account.
    pub id: AccountId,
    /// Its roles now.
    pub roles: Arc<BTreeSet<Role>>,
    /// 1: one factor was shown; 2: two factors, or a passkey that verified its user.
    pub aal: u8,
    /// How long ago a factor was last shown.
    pub factor_age_s: u64,
    /// What a key of a service is limited to; `None` for a person's session.
    pub scopes: Option<BTreeSet<Act>>,
}

/// What kind of thing is acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    /// The program: lists, settings, the ledger.
    Program,
    /// One conversation.
    Conversation,
    /// One hidden value.
    Token,
    /// One person whose conversations are held.
    Subject,
    /// A grant, or something that waits for a second person.
    Request,
    /// One account.
    Account,
}

impl ResourceKind {
    /// Every kind.
    pub const ALL: &'static [Self] =
        &[Self::Program, Self::Conversation, Self::Token, Self::Subject, Self::Request, Self::Account];

    /// The name of the entity type in the policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Program => "Program",
            Self::Conversation => "Conversation",
            Self::Token => "Token",
            Self::Subject => "Subject",
            Self::Request => "Request",
            Self::Account => "Account",
        }
    }
}

/// What is acted on. Start from one of the constructors and set what is known; what is missing counts against the actor.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ResourceFacts {
    /// What kind of thing.
    pub kind: ResourceKind,
    /// The state code of the conversation (of the value's conversation for a token).
    pub state: Option<&'static str>,
    /// The type of the hidden value.
    pub entity: Option<EntityType>,
    /// Somebody in it had the use of their data restricted.
    pub restricted: bool,
    /// Somebody in it objected to the purpose that is asked for.
    pub objected: bool,
    /// A rule says that this value needs a second person whatever its type.
    pub needs_second: bool,
    /// Who asked for what waits; for a token, who asked to see it.
    pub requested_by: Option<AccountId>,
    /// Who agreed.
    pub approved_by: Option<AccountId>,
    /// Whom it concerns: the account acted on, or the account that a grant is for.
    pub about: Option<AccountId>,
}

impl ResourceFacts {
    fn new(kind: ResourceKind) -> Self {
        Self {
            kind,
            state: None,
            entity: None,
            restricted: false,
            objected: false,
            needs_second: false,
            requested_by: None,
            approved_by: None,
            about: None,
        }
    }

    /// The program itself.
    pub fn program() -> Self {
        Self::new(ResourceKind::Program)
    }

    /// A conversation in this state.
    pub fn conversation(state: &'static str) -> Self {
        Self { state: Some(state), ..Self::new(ResourceKind::Conversation) }
    }

    /// A hidden value of this type in a conversation of this state.
    pub fn token(state: &'static str, entity: EntityType) -> Self {
        Self { state: Some(state), entity: Some(entity), ..Self::new(ResourceKind::Token) }
    }

    /// A person whose conversations are held.
    pub fn subject() -> Self {
        Self::new(ResourceKind::Subject)
    }

    /// Something this account asked for.
    pub fn request(requested_by: AccountId) -> Self {
        Self { requested_by: Some(requested_by), ..Self::new(ResourceKind::Request) }
    }

    /// A right for a while, asked for by the account it is for.
    pub fn grant(of: AccountId) -> Self {
        Self { about: Some(of), ..Self::request(of) }
    }

    /// An account.
    pub fn account(id: AccountId) -> Self {
        Self { about: Some(id), ..Self::new(ResourceKind::Account) }
    }
}
