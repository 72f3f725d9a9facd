//! Correcting what is wrong about a person: a number or address, or the words of one turn.

use crate::db::{OptionalExtension, params};
use crate::{
    Actor, Error, Refused, Vault,
    contacts::contact,
    conversation::as_i64,
    regression::Edit,
    requests::{self, RequestKind},
    sweep::needle,
};
use callvault_ledger::Kind;
use callvault_model::{
    Secret,
    id::{ConversationId, SubjectRequestId},
};
use callvault_seal::seal;

/// Longest text of one turn.
const MAX_TURN: usize = 20_000;

impl Vault {
    /// Command *rectify contact*: takes a wrong number or address away, puts a right one in its place, or both.
    pub fn rectify_contact(
        &self,
        actor: &Actor,
        request: SubjectRequestId,
        wrong: Option<&Secret<String>>,
        right: Option<&Secret<String>>,
    ) -> Result<(), Error> {
        let read = |text: Option<&Secret<String>>| {
            text.map(|t| {
                contact(t.expose()).ok_or_else(|| {
                    Refused::invalid(
                        "this is neither a telephone number nor an e-mail address",
                        "give it as it is dialled or written to",
                    )
                })
            })
            .transpose()
        };
        let (wrong, right) = (read(wrong)?, read(right)?);
        if wrong.is_none() && right.is_none() {
            return Err(
                Refused::invalid("nothing is to be corrected", "give the wrong, the right, or both").into()
            );
        }
        let mut needles = Vec::new();
        self.command_as(actor, "rectify contact", |c| {
            let subject = of_rectification(c, request)?;
            if let Some(wrong) = &wrong {
                let index = self.index(wrong.field, &wrong.value)?;
                let sealed: Option<Vec<u8>> = c
                    .tx
                    .query_row(
                        "SELECT sealed_value FROM contact WHERE tenant = ?1 AND field = ?2 AND blind_index = ?3 AND subject = ?4",
                        params![self.tenant.as_bytes(), wrong.field, index, subject.as_bytes()],
                        |r| r.get(0),
                    )
                    .optional()?;
                needles.push(needle(sealed.ok_or(Refused::Unknown("number or address of this person"))?));
                c.tx.execute(
                    "DELETE FROM contact WHERE tenant = ?1 AND field = ?2 AND blind_index = ?3",
                    params![self.tenant.as_bytes(), wrong.field, index],
                )?;
            }
            if let Some(right) = &right {
                let index = self.index(right.field, &right.value)?;
                let held: bool = c.tx.query_row(
                    "SELECT EXISTS (SELECT 1 FROM contact WHERE tenant = ?1 AND field = ?2 AND blind_index = ?3)",
                    params![self.tenant.as_bytes(), right.field, index],
                    |r| r.get(0),
                )?;
                if held {
                    return Err(Refused::invalid(
                        "this number or address leads to a record already",
                        "if both are one person, merge the records",
                    )
                    .into());
                }
                let key = self.subject_key(&c.tx, subject)?;
                let aad = self.aad(Some(subject), "contact", &index, right.field);
                let sealed = seal(&key, &aad, right.value.as_bytes(), &self.entropy)?;
                c.tx.execute(
                    "INSERT INTO contact (tenant, field, blind_index, subject, sealed_value) VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![self.tenant.as_bytes(), right.field, index, subject.as_bytes(), sealed],
                )?;
            }
            c.tx.execute(
                "UPDATE subject SET provisional = CASE WHEN EXISTS (SELECT 1 FROM contact WHERE subject = ?1) THEN 0 ELSE 1 END WHERE id = ?1",
                params![subject.as_bytes()],
            )?;
            let facts = [
                ("request", request.to_string().into()),
                ("what", "contact".into()),
                ("removed", wrong.is_some().into()),
                ("added", right.is_some().into()),
            ];
            c.log(Kind::SubjectRectified, None, Some(subject), &facts);
            requests::step(c, request, "rectified", "contact")
        })?;
        self.prove_gone(&needles)?;
        Ok(())
    }

    /// Command *rectify turn*: other words in the place of what the person is said to have said. `text` has passed the
    /// detector.
    pub fn rectify_turn(
        &self,
        actor: &Actor,
        request: SubjectRequestId,
        conversation: ConversationId,
        turn: u64,
        text: &str,
    ) -> Result<(), Error> {
        if text.trim().is_empty() || text.chars().count() > MAX_TURN {
            return Err(
                Refused::invalid("the words of the turn", "write between 1 and 20000 characters").into()
            );
        }
        let at = usize::try_from(turn).map_err(|_| Refused::Unknown("turn"))?;
        let mut needles = Vec::new();
        self.command_as(actor, "rectify turn", |c| {
            let subject = of_rectification(c, request)?;
            let row: Option<Vec<u8>> =
                c.tx.query_row(
                    "SELECT t.party FROM turn t JOIN party p ON p.id = t.party
                     WHERE t.conversation = ?1 AND t.position = ?2 AND p.subject = ?3",
                    params![conversation.as_bytes(), as_i64(turn), subject.as_bytes()],
                    |r| r.get(0),
                )
                .optional()?;
            row.ok_or(Refused::Unknown("turn of this person"))?;
            let (party, _) = self.turn_text(&c.tx, conversation, at, &mut needles)?;
            self.set_turn(c, conversation, at, party, text.trim(), Edit::Whole)?;
            let facts =
                [("request", request.to_string().into()), ("what", "turn".into()), ("turn", turn.into())];
            c.log(Kind::SubjectRectified, Some(conversation), Some(subject), &facts);
            requests::step(c, request, "rectified", "turn")
        })?;
        self.prove_gone(&needles)?;
        Ok(())
    }
}

fn of_rectification(
    c: &crate::Command<'_>,
    request: SubjectRequestId,
) -> Result<callvault_model::id::SubjectId, Error> {
    let kind: Option<String> =
        c.tx.query_row("SELECT kind FROM subject_request WHERE id = ?1", params![request.as_bytes()], |r| {
            r.get(0)
        })
        .optional()?;
    let kind = kind.ok_or(Refused::Unknown("subject request"))?;
    if <RequestKind as requests::Coded>::parse(&kind) != Some(RequestKind::Rectification) {
        return Err(
            Refused::invalid("this request asks for no correction", "open one for rectification").into()
        );
    }
    requests::confirmed(c, request)
}
