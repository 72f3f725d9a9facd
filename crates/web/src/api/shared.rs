//! Every call may be refused in the same ways; the document says each way once and refers to it.

use utoipa::{
    IntoResponses,
    openapi::{OpenApi, Ref, RefOr, path::Operation},
};

use super::Refusals;

/// Moves what all calls have in common to `components/responses`.
pub fn refusals(mut document: OpenApi) -> OpenApi {
    let common = Refusals::responses();
    let name = |status: &str| format!("refused_{status}");
    for item in document.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.delete,
            &mut item.options,
            &mut item.head,
            &mut item.patch,
            &mut item.trace,
        ];
        for operation in operations.into_iter().flatten() {
            refer(operation, &common, name);
        }
    }
    let components = document.components.get_or_insert_default();
    components.responses.extend(common.into_iter().map(|(status, said)| (name(&status), said)));
    document
}

/// Only what says exactly the same becomes a reference; a call that says more about a status keeps its words.
fn refer(
    operation: &mut Operation,
    common: &std::collections::BTreeMap<String, RefOr<utoipa::openapi::Response>>,
    name: impl Fn(&str) -> String,
) {
    for (status, response) in &mut operation.responses.responses {
        if common.get(status).is_some_and(|said| said == response) {
            *response = RefOr::Ref(Ref::from_response_name(name(status)));
        }
    }
}
