/** The pairing guide's own rules: what to press on which instrument, and in which order the found ones stand. Pure. */
import type { Found, InstrumentKind } from '../shared/wire'

export type Press = 'start' | 'hold_start' | 'hold_bluetooth' | 'hold_memory' | 'hold_set' | 'hold_menu' | 'hold_bell' | 'finger' | 'step_on' | 'switch_on'

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
/** Begin of the advertised name → the key that invites. The kit's catalog has the same names, with where it is documented. */
const BY_NAME: readonly (readonly [string, Press])[] = [
  ['A&D_UC-352', 'hold_set'],
  ['A&D_', 'hold_start'],
  ['BM48', 'hold_memory'],
  ['BM59', 'hold_memory'],
  ['BM85', 'hold_memory'],
  ['Beurer BM', 'hold_memory'],
  ['ELITE900', 'hold_memory'],
  ['BLESmart_', 'hold_bluetooth'],
  ['X4 Smart', 'hold_bluetooth'],
  ['MightySat', 'hold_menu'],
  ['Nonin', 'finger'],
  ['BerryMed', 'finger'],
  ['meter+', 'hold_bluetooth'],
]

/** What invites an instrument of this kind to be paired; by its name where that is known. */
export function pressOf(kind: InstrumentKind, name = ''): Press {
  return BY_NAME.find(([start]) => name.startsWith(start))?.[1] ?? BY_KIND[kind]
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

const TWICE_MS = 700

/** Whether this press belongs to the one before: a key pressed twice must not press what has come into its place. */
export function pressedTwice(beforeMs: number, nowMs: number): boolean {
  return nowMs - beforeMs < TWICE_MS
}
