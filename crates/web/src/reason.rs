//! Reasons and notes that people type pass the detector before anything is kept: a card number in a reason is a card
//! number in the vault.

use crate::problem::{Outcome, Problem};
use callvault_detect::{
    Detector, Profile, Utterance,
    redact::{Mode, redact_all},
};
use callvault_model::Role;

/// The reason, with labels in the place of what must not be kept.
pub async fn masked(text: String) -> Outcome<String> {
    if text.trim().chars().count() < 3 || text.chars().count() > 1_000 {
        return Err(Problem::bad("A reason has 3 to 1,000 characters."));
    }
    tokio::task::spawn_blocking(move || {
        let detector = Detector::new(Profile::default()).map_err(|e| Problem::internal(&e))?;
        let one = [Utterance { role: Role::Unknown, text: text.trim() }];
        let (masked, _) = redact_all(&detector, &one, &Mode::Category);
        Ok(masked.into_iter().next().unwrap_or_default())
    })
    .await
    .map_err(|e| Problem::internal(&e))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reason_keeps_its_words_and_loses_the_number() {
        let kept = masked("Customer disputes the charge on card 4111 1111 1111 1111 of Monday".into())
            .await
            .unwrap();
        assert!(kept.contains("disputes the charge") && !kept.contains("4111"), "{kept}");
        assert!(masked("x".into()).await.is_err());
        assert!(masked("y".repeat(1_001)).await.is_err());
    }
}
