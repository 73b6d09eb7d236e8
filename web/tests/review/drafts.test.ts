import { expect, test } from 'vitest'
import { type AccessDraft, Drafts } from '../../src/review/drafts'
import { roomOf } from '../../src/review/room'

const empty: AccessDraft = { verdict: undefined, words: '', asking: false, question: '' }
const drafts = (): Drafts<AccessDraft> => new Drafts(({ words, question }) => words.trim() !== '' || question.trim() !== '')

test('what was begun of one access is there again after another, and apart from it', () => {
  const kept = drafts()
  kept.keep(66, { ...empty, verdict: 'improper', words: 'Granne' })
  kept.keep(83, { ...empty, asking: true, question: 'Vad var' })
  expect(kept.of(66)).toMatchObject({ verdict: 'improper', words: 'Granne', question: '' })
  expect(kept.of(83)).toMatchObject({ verdict: undefined, question: 'Vad var' })
  expect(kept.of(67)).toBeUndefined()
})

test('leaving the page asks only for what was written and not sent', () => {
  const kept = drafts()
  kept.keep(66, { ...empty, verdict: 'in_order', words: ' ' })
  expect(kept.waiting).toBe(false)
  kept.keep(83, { ...empty, question: 'Vad var' })
  expect(kept.waiting).toBe(true)
  kept.keep(83, empty)
  expect(kept.waiting).toBe(false)
})

test('a room is named by the address, and only by a name that there is', () => {
  expect(['#sample', '#moves', '#proof', '', '#', '#admin', '#log'].map(roomOf)).toEqual(['sample', 'moves', 'proof', 'log', 'log', 'log', 'log'])
})
