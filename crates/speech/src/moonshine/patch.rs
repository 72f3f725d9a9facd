//! Lets the decoder give out its cross-attention, which word times are made of.
//!
//! The published file computes it and throws it away. The attention's Softmax of each layer, in both branches of the
//! decoder's `If`, becomes an output of the branch, of the `If` and of the graph. The edit works on the bytes of the
//! protocol buffer, so that the published file itself stays what is pinned and checked.

use crate::error::Error;

/// Field numbers of the ONNX messages used here.
mod field {
    pub(super) const MODEL_GRAPH: u64 = 7;
    pub(super) const GRAPH_NODE: u64 = 1;
    pub(super) const GRAPH_OUTPUT: u64 = 12;
    pub(super) const NODE_OUTPUT: u64 = 2;
    pub(super) const NODE_NAME: u64 = 3;
    pub(super) const NODE_OP_TYPE: u64 = 4;
    pub(super) const NODE_ATTRIBUTE: u64 = 5;
    pub(super) const ATTRIBUTE_GRAPH: u64 = 6;
    pub(super) const VALUE_INFO_NAME: u64 = 1;
}

/// Wire type of length-delimited fields.
const DELIMITED: u64 = 2;

/// Name of the graph output with the cross-attention of one layer.
pub(crate) fn output_name(layer: usize) -> String {
    format!("cross_attn.{layer}")
}

/// The edited model and its number of layers.
pub(crate) fn expose_cross_attention(model: &[u8]) -> Result<(Vec<u8>, usize), Error> {
    let mut layers = 0usize;
    let mut out = Vec::with_capacity(model.len().saturating_add(8192));
    for item in Fields(model) {
        let item = item?;
        match item.value {
            Some(graph) if item.number == field::MODEL_GRAPH => {
                let (graph, found) = patch_graph(graph)?;
                layers = found;
                put(&mut out, item.number, &graph);
            }
            _ => out.extend_from_slice(item.raw),
        }
    }
    if layers == 0 {
        return Err(unknown("no cross-attention was found in it"));
    }
    Ok((out, layers))
}

fn patch_graph(graph: &[u8]) -> Result<(Vec<u8>, usize), Error> {
    let mut layers = 0usize;
    let mut out = Vec::with_capacity(graph.len().saturating_add(8192));
    for item in Fields(graph) {
        let item = item?;
        match item.value {
            Some(node)
                if item.number == field::GRAPH_NODE && text(node, field::NODE_OP_TYPE)? == Some(b"If") =>
            {
                let (node, found) = patch_if(node)?;
                layers = layers.max(found);
                put(&mut out, item.number, &node);
            }
            _ => out.extend_from_slice(item.raw),
        }
    }
    for layer in 0..layers {
        put(&mut out, field::GRAPH_OUTPUT, &value_info(output_name(layer).as_bytes()));
    }
    Ok((out, layers))
}

fn patch_if(node: &[u8]) -> Result<(Vec<u8>, usize), Error> {
    let mut per_branch: Vec<usize> = Vec::new();
    let mut out = Vec::with_capacity(node.len().saturating_add(4096));
    for item in Fields(node) {
        let item = item?;
        match item.value {
            Some(attribute) if item.number == field::NODE_ATTRIBUTE => {
                let mut edited = Vec::with_capacity(attribute.len().saturating_add(2048));
                for inner in Fields(attribute) {
                    let inner = inner?;
                    match inner.value {
                        Some(branch) if inner.number == field::ATTRIBUTE_GRAPH => {
                            let (branch, found) = patch_branch(branch)?;
                            per_branch.push(found);
                            put(&mut edited, inner.number, &branch);
                        }
                        _ => edited.extend_from_slice(inner.raw),
                    }
                }
                put(&mut out, item.number, &edited);
            }
            _ => out.extend_from_slice(item.raw),
        }
    }
    let layers = per_branch.first().copied().unwrap_or(0);
    if per_branch.iter().any(|n| *n != layers) {
        return Err(unknown("its two branches differ"));
    }
    for layer in 0..layers {
        put(&mut out, field::NODE_OUTPUT, output_name(layer).as_bytes());
    }
    Ok((out, layers))
}

/// Appends the outputs of the branch's cross-attention nodes, in order of layers, to the branch's outputs.
fn patch_branch(branch: &[u8]) -> Result<(Vec<u8>, usize), Error> {
    let mut found: Vec<(usize, &[u8])> = Vec::new();
    for item in Fields(branch) {
        let item = item?;
        let (field::GRAPH_NODE, Some(node)) = (item.number, item.value) else { continue };
        let name = text(node, field::NODE_NAME)?.and_then(|n| std::str::from_utf8(n).ok()).unwrap_or("");
        let Some(layer) = layer_of(name) else { continue };
        if text(node, field::NODE_OP_TYPE)? == Some(b"Softmax")
            && let Some(output) = text(node, field::NODE_OUTPUT)?
        {
            found.push((layer, output));
        }
    }
    found.sort_by_key(|(layer, _)| *layer);
    if found.iter().enumerate().any(|(i, (layer, _))| i != *layer) {
        return Err(unknown("its layers are not numbered as expected"));
    }
    let mut out = branch.to_vec();
    for (_, output) in &found {
        put(&mut out, field::GRAPH_OUTPUT, &value_info(output));
    }
    Ok((out, found.len()))
}

/// The layer in `…/layers.3/encoder_attn/Softmax`.
fn layer_of(name: &str) -> Option<usize> {
    let (layer, rest) = name.split_once("/layers.")?.1.split_once('/')?;
    (rest == "encoder_attn/Softmax").then(|| layer.parse().ok()).flatten()
}

fn value_info(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, field::VALUE_INFO_NAME, name);
    out
}

/// The first value of a length-delimited field.
fn text(message: &[u8], number: u64) -> Result<Option<&[u8]>, Error> {
    for item in Fields(message) {
        let item = item?;
        if item.number == number && item.value.is_some() {
            return Ok(item.value);
        }
    }
    Ok(None)
}

fn unknown(why: &str) -> Error {
    Error::Model(format!(
        "the decoder file is not the one this program knows: {why}; run `callvault models pull` again"
    ))
}

/// One field of a message.
struct Field<'a> {
    number: u64,
    /// Tag and value as they stand.
    raw: &'a [u8],
    /// The bytes of a length-delimited field.
    value: Option<&'a [u8]>,
}

/// Walks the fields of one message, not into them.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let item = read(self.0);
        match &item {
            Some(field) => self.0 = self.0.get(field.raw.len()..).unwrap_or_default(),
            None => self.0 = &[],
        }
        Some(item.ok_or_else(|| unknown("its structure is broken")))
    }
}

fn read(message: &[u8]) -> Option<Field<'_>> {
    let (tag, at) = varint(message, 0)?;
    let (end, value) = match tag & 7 {
        0 => (varint(message, at)?.1, None),
        1 => (at.checked_add(8)?, None),
        DELIMITED => {
            let (length, start) = varint(message, at)?;
            let end = start.checked_add(usize::try_from(length).ok()?)?;
            (end, Some(message.get(start..end)?))
        }
        5 => (at.checked_add(4)?, None),
        _ => return None,
    };
    Some(Field { number: tag >> 3, raw: message.get(..end)?, value })
}

fn varint(bytes: &[u8], mut at: usize) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(at)?;
        at = at.checked_add(1)?;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte < 0x80 {
            return Some((value, at));
        }
    }
    None
}

fn put(out: &mut Vec<u8>, number: u64, value: &[u8]) {
    put_varint(out, (number << 3) | DELIMITED);
    put_varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(fields: &[(u64, Vec<u8>)]) -> Vec<u8> {
        let mut out = Vec::new();
        fields.iter().for_each(|(n, v)| put(&mut out, *n, v));
        out
    }

    fn node(op: &str, name: &str, output: &str) -> Vec<u8> {
        message(&[(2, output.into()), (3, name.into()), (4, op.into())])
    }

    fn branch(layers: &[usize]) -> Vec<u8> {
        let softmax = |l: &usize| {
            (
                1,
                node(
                    "Softmax",
                    &format!("/model/decoder/layers.{l}/encoder_attn/Softmax"),
                    &format!("attn_{l}"),
                ),
            )
        };
        let mut fields: Vec<(u64, Vec<u8>)> = layers.iter().map(softmax).collect();
        fields.push((1, node("Softmax", "/model/decoder/layers.0/self_attn/Softmax", "own")));
        fields.push((12, message(&[(1, b"logits".to_vec())])));
        message(&fields)
    }

    fn model(then: &[usize], otherwise: &[usize]) -> Vec<u8> {
        let attribute = |layers| message(&[(1, b"branch".to_vec()), (6, branch(layers))]);
        let choice = message(&[
            (2, b"logits".to_vec()),
            (4, b"If".to_vec()),
            (5, attribute(then)),
            (5, attribute(otherwise)),
        ]);
        message(&[(7, message(&[(1, choice), (12, message(&[(1, b"logits".to_vec())]))]))])
    }

    fn all(message: &[u8], number: u64) -> Vec<&[u8]> {
        Fields(message).map(Result::unwrap).filter(|f| f.number == number).filter_map(|f| f.value).collect()
    }

    #[test]
    fn each_layer_becomes_an_output_of_branch_if_and_graph_in_order() {
        let (patched, layers) = expose_cross_attention(&model(&[1, 0], &[0, 1])).unwrap();
        assert_eq!(layers, 2);
        let graph = all(&patched, 7)[0];
        let outputs: Vec<&[u8]> = all(graph, 12).iter().map(|v| all(v, 1)[0]).collect();
        assert_eq!(outputs, [&b"logits"[..], b"cross_attn.0", b"cross_attn.1"]);
        let choice = all(graph, 1)[0];
        assert_eq!(all(choice, 2), [&b"logits"[..], b"cross_attn.0", b"cross_attn.1"]);
        for attribute in all(choice, 5) {
            let outputs: Vec<&[u8]> = all(all(attribute, 6)[0], 12).iter().map(|v| all(v, 1)[0]).collect();
            assert_eq!(outputs, [&b"logits"[..], b"attn_0", b"attn_1"]);
        }
    }

    #[test]
    fn other_models_are_refused() {
        for bad in [model(&[], &[]), model(&[0, 1], &[0]), model(&[0, 2], &[0, 2]), vec![], vec![0x3a, 0xff]]
        {
            assert!(expose_cross_attention(&bad).is_err());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0usize..300) {
            let _ = expose_cross_attention(&bytes);
            let whole = model(&[0, 1], &[0, 1]);
            let _ = expose_cross_attention(&whole[..cut.min(whole.len())]);
        }
    }
}
