/**
 * The sweep that proves the sound path, as the kit makes it (edge/carebag_edge/live/path_proof.py; golden samples shared
 * with its test), and the stream numbers that tell a proof from body sound. Pure: used in the page and the audio thread.
 */

/** Streams from this number on are proofs; a kit counts its body sounds from 1. */
export const PROOF_STREAMS = 2 ** 52
export const SECONDS = 3
export const LOW_HZ = 20
export const HIGH_HZ = 1000
const LOW_HOLD_S = 0.35
const HIGH_HOLD_S = 0.15
const FADE_IN_S = 0.08
const FADE_OUT_S = 0.02
const LEVEL = 8192 / 32768
const RISING_S = SECONDS - LOW_HOLD_S - HIGH_HOLD_S
const PER_SECOND = Math.log(HIGH_HZ / LOW_HZ) / RISING_S

/** A proof is measured, and never heard, drawn, kept or taken for body sound. */
export function isProof(stream: number): boolean {
  return stream >= PROOF_STREAMS
}

/** Waves since the beginning, at a time (s). */
export function turns(at: number): number {
  const risen = Math.min(Math.max(at - LOW_HOLD_S, 0), RISING_S)
  return (
    LOW_HZ * Math.min(at, LOW_HOLD_S) +
    (LOW_HZ / PER_SECOND) * Math.expm1(PER_SECOND * risen) +
    HIGH_HZ * Math.max(at - LOW_HOLD_S - RISING_S, 0)
  )
}

/** Amplitude at a time (s), of full scale 1. */
export function amplitude(at: number): number {
  const clamp = (value: number): number => Math.min(Math.max(value, 0), 1)
  return LEVEL * Math.min(clamp(at / FADE_IN_S), clamp((SECONDS - at) / FADE_OUT_S))
}

/** When (s) the sweep passes a frequency, 20-1000 Hz; for the held ends the middle of where they stand at full level. */
export function passes(hz: number): number {
  if (hz <= LOW_HZ) return (FADE_IN_S + LOW_HOLD_S) / 2
  if (hz >= HIGH_HZ) return SECONDS - (HIGH_HOLD_S + FADE_OUT_S) / 2
  return LOW_HOLD_S + Math.log(hz / LOW_HZ) / PER_SECOND
}

/** The samples as sent, numbers from -1 to 1. */
export function sweep(rateHz: number): Float32Array {
  const samples = new Float32Array(Math.round(SECONDS * rateHz))
  for (let index = 0; index < samples.length; index += 1) {
    const at = index / rateHz
    samples[index] = Math.round(32768 * amplitude(at) * Math.sin(2 * Math.PI * turns(at))) / 32768
  }
  return samples
}
