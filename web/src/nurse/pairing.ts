/** The pairing guide's own rules: what to press on which instrument, and in which order the found ones stand. Pure. */
import type { Found, InstrumentKind, Pairing } from '../shared/wire'

const PRESSES = ['start', 'hold_start', 'hold_bluetooth', 'hold_memory', 'hold_set', 'hold_menu', 'hold_bell', 'finger', 'step_on', 'switch_on'] as const
export type Press = (typeof PRESSES)[number]

export const KINDS: readonly InstrumentKind[] = ['cuff', 'oximeter', 'thermometer', 'scale', 'glucose_meter', 'stethoscope', 'crp_analyser']

const BY_KIND: Readonly<Record<InstrumentKind, Press>> = {
  cuff: 'hold_start',
  oximeter: 'finger',
  thermometer: 'hold_start',
  scale: 'step_on',
  glucose_meter: 'hold_bluetooth',
  stethoscope: 'hold_bell',
  crp_analyser: 'switch_on',
}

/** What invites an instrument of this kind to be paired; `told` is the catalog's own word for its model. */
export function pressOf(kind: InstrumentKind, told?: string | null): Press {
  return PRESSES.find((one) => one === told) ?? BY_KIND[kind]
}

/** Whether the kit is at it: searches, pairs, or waits for the digits. */
export function isGoing(pairing: Pairing | null): boolean {
  return pairing !== null && pairing.stage !== 'done' && pairing.stage !== 'failed'
}

const NEAR = { strong: 0, fair: 1, weak: 2 } as const

/** Those that want to be paired first, then the nearest; among equals their order holds still. */
export function inFoundOrder(found: readonly Found[]): Found[] {
  return [...found].sort((a, b) => Number(b.inviting) - Number(a.inviting) || Number(a.known) - Number(b.known) || NEAR[a.signal] - NEAR[b.signal] || a.id.localeCompare(b.id))
}

/** Whole seconds until the window closes, never below zero. */
export function secondsLeft(until: string, nowMs: number): number {
  return Math.max(0, Math.ceil((Date.parse(until) - nowMs) / 1000))
}

/** Two presses within this time, ms, are one impatient finger. */
export const TWICE_MS = 700

/** Whether this press belongs to the one before: a key pressed twice must not press what has come into its place. */
export function pressedTwice(beforeMs: number, nowMs: number): boolean {
  return nowMs - beforeMs < TWICE_MS
}
