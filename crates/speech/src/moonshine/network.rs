//! The two networks: audio to states, and states plus the words so far to the next token.

use std::sync::Arc;

use rten::{Model, NodeId, RunOptions, ThreadPool, Value, ValueOrView};
use rten_tensor::{AsView, NdTensor, Tensor};

use super::patch;
use crate::error::Error;

/// Both networks, loaded; shared by all threads.
pub(crate) struct Network {
    encoder: Model,
    audio_in: NodeId,
    states_out: NodeId,
    decoder: Model,
    ids: DecoderIds,
    layers: usize,
    head_width: usize,
}

struct DecoderIds {
    token: NodeId,
    states: NodeId,
    use_cache: NodeId,
    /// Per layer: decoder key, decoder value, encoder key, encoder value.
    past: Vec<[NodeId; 4]>,
    /// Logits, then per layer decoder key and value, then the attentions.
    outputs_next: Vec<NodeId>,
    /// The same with encoder key and value per layer after the decoder's; asked for once.
    outputs_first: Vec<NodeId>,
}

/// What the decoder keeps between two tokens of one text.
pub(crate) struct Memory {
    states: Value,
    frames: usize,
    /// Grows by one token at a time.
    own: Vec<[Value; 2]>,
    /// Made from the audio at the first token.
    audio: Vec<[Value; 2]>,
}

impl Memory {
    /// Number of audio frames attended to.
    pub(crate) fn frames(&self) -> usize {
        self.frames
    }
}

/// What one step gives.
pub(crate) struct Step {
    /// One number per token of the vocabulary.
    pub logits: Vec<f32>,
    /// `layers × heads × frames` weights of the token that these logits predict.
    pub attention: Vec<f32>,
}

fn failed(what: &str) -> impl Fn(&dyn std::fmt::Display) -> Error + '_ {
    move |e| Error::Model(format!("the {what} could not be used: {e}; run `callvault models verify`"))
}

impl Network {
    /// From the bytes of the published files.
    pub(crate) fn load(encoder: Vec<u8>, decoder: &[u8]) -> Result<Self, Error> {
        let encoder = Model::load(encoder).map_err(|e| failed("encoder")(&e))?;
        let (patched, layers) = patch::expose_cross_attention(decoder)?;
        let decoder = Model::load(patched).map_err(|e| failed("decoder")(&e))?;
        let id = |name: &str| decoder.node_id(name).map_err(|e| failed("decoder")(&e));
        let parts = ["decoder.key", "decoder.value", "encoder.key", "encoder.value"];
        let names = |prefix: &str, layer: usize| parts.map(|part| format!("{prefix}.{layer}.{part}"));
        let mut past = Vec::new();
        let (mut next, mut first) = (vec![id("logits")?], vec![id("logits")?]);
        for layer in 0..layers {
            let [a, b, c, d] = names("past_key_values", layer);
            past.push([id(&a)?, id(&b)?, id(&c)?, id(&d)?]);
            let [a, b, c, d] = names("present", layer);
            next.extend([id(&a)?, id(&b)?]);
            first.extend([id(&a)?, id(&b)?, id(&c)?, id(&d)?]);
        }
        for layer in 0..layers {
            let attention = id(&patch::output_name(layer))?;
            next.push(attention);
            first.push(attention);
        }
        let ids = DecoderIds {
            token: id("input_ids")?,
            states: id("encoder_hidden_states")?,
            use_cache: id("use_cache_branch")?,
            past,
            outputs_next: next,
            outputs_first: first,
        };
        let head_width = match layers {
            8 => 52,
            6 => 36,
            n => return Err(Error::Model(format!("a decoder of {n} layers is not known here"))),
        };
        let audio_in = *encoder.input_ids().first().ok_or_else(|| failed("encoder")(&"it has no input"))?;
        let states_out =
            *encoder.output_ids().first().ok_or_else(|| failed("encoder")(&"it has no output"))?;
        Ok(Self { encoder, audio_in, states_out, decoder, ids, layers, head_width })
    }

    /// Hears the audio.
    pub(crate) fn listen(&self, samples: &[f32], pool: &Arc<ThreadPool>) -> Result<Memory, Error> {
        let input = NdTensor::from_data([1, samples.len()], samples.to_vec());
        let options = RunOptions::default().with_thread_pool(Some(pool.clone()));
        let mut out = self
            .encoder
            .run(vec![(self.audio_in, input.into())], &[self.states_out], Some(options))
            .map_err(|e| failed("encoder")(&e))?;
        let states = out.pop().ok_or_else(|| failed("encoder")(&"it gave nothing"))?;
        let frames = match &states {
            Value::FloatTensor(t) => rten_tensor::Layout::shape(t).get(1).copied().unwrap_or(0),
            _ => 0,
        };
        let empty = || -> Value { Tensor::<f32>::zeros(&[1, 8, 0, self.head_width]).into() };
        let none = || (0..self.layers).map(|_| [empty(), empty()]).collect();
        Ok(Memory { states, frames, own: none(), audio: none() })
    }

    /// Takes one token and gives what follows it.
    pub(crate) fn step(
        &self,
        token: usize,
        first: bool,
        memory: &mut Memory,
        pool: &Arc<ThreadPool>,
    ) -> Result<Step, Error> {
        let token = i32::try_from(token).unwrap_or(0);
        let mut inputs: Vec<(NodeId, ValueOrView<'_>)> = vec![
            (self.ids.token, NdTensor::from_data([1, 1], vec![token]).into()),
            (self.ids.states, (&memory.states).into()),
            (self.ids.use_cache, NdTensor::from_data([1], vec![i32::from(!first)]).into()),
        ];
        let own = std::mem::take(&mut memory.own);
        for ((ids, [key, value]), [audio_key, audio_value]) in
            self.ids.past.iter().zip(own).zip(&memory.audio)
        {
            let [a, b, c, d] = *ids;
            inputs.extend([
                (a, key.into()),
                (b, value.into()),
                (c, audio_key.into()),
                (d, audio_value.into()),
            ]);
        }
        let wanted = if first { &self.ids.outputs_first } else { &self.ids.outputs_next };
        let options = RunOptions::default().with_thread_pool(Some(pool.clone()));
        let out = self.decoder.run(inputs, wanted, Some(options)).map_err(|e| failed("decoder")(&e))?;
        let mut out = out.into_iter();
        let mut next = || out.next().ok_or_else(|| failed("decoder")(&"an output is missing"));
        let logits = floats(next()?)?;
        let mut audio = Vec::new();
        for _ in 0..self.layers {
            memory.own.push([next()?, next()?]);
            if first {
                audio.push([next()?, next()?]);
            }
        }
        if first {
            memory.audio = audio;
        }
        let mut attention = Vec::new();
        for _ in 0..self.layers {
            attention.extend(floats(next()?)?);
        }
        Ok(Step { logits, attention })
    }
}

fn floats(value: Value) -> Result<Vec<f32>, Error> {
    match value {
        Value::FloatTensor(t) => Ok(t.to_vec()),
        _ => Err(failed("decoder")(&"it gave no numbers")),
    }
}
