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
    mask(text.trim().to_owned(), Profile::default()).await
}

/// A letter: payment data is masked. Whom to call about it stays, or nobody could.
pub async fn masked_letter(text: String) -> Outcome<String> {
    if text.trim().is_empty() || text.len() > 40_000 {
        return Err(Problem::bad("A notice has 1 to 40,000 bytes."));
    }
    mask(text, Profile::Pci).await
}

async fn mask(text: String, profile: Profile) -> Outcome<String> {
    tokio::task::spawn_blocking(move || {
        let detector = Detector::new(profile).map_err(|e| Problem::internal(&e))?;
        let one = [Utterance { role: Role::Unknown, text: &text }];
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
