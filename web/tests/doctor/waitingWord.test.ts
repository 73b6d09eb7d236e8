import { expect, test } from 'vitest'
import { waitingWord } from '../../src/doctor/proof/waitingWord'

const LISTENING = { connected: true, audible: true, quiet: false }

test('sound on in the middle of a listening: the stethoscope is waited for', () => {
  expect(waitingWord('off', LISTENING)).toBe('waiting')
  expect(waitingWord('waiting', LISTENING)).toBe('waiting')
})

test('sound off: that is what is missing', () => {
  expect(waitingWord('off', { ...LISTENING, audible: false })).toBe('off')
  expect(waitingWord('waiting', { ...LISTENING, audible: false })).toBe('off')
})

test('quiet, or without a connection, nothing new is said', () => {
  for (const word of ['off', 'waiting'] as const) {
    expect(waitingWord(word, { ...LISTENING, quiet: true })).toBe(word)
    expect(waitingWord(word, { ...LISTENING, connected: false })).toBe(word)
  }
})
