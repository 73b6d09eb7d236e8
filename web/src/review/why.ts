/** The answer to "why did this person open this chart" as keys of the catalogue: one sentence, then its facts. Pure. */
import type { Access } from '../shared/wire'

export type WhySentence = 'why.treated' | 'why.assigned_to' | 'why.listed_with' | 'why.in_emergency' | 'why.nothing'

const SENTENCE: Record<Access['relation'], WhySentence> = {
  treated: 'why.treated',
  assigned: 'why.assigned_to',
  listed: 'why.listed_with',
  emergency: 'why.in_emergency',
  none: 'why.nothing',
}

export function sentenceOf(relation: Access['relation']): WhySentence {
  return SENTENCE[relation]
}

/** How far a sample is judged. */
export function progress(drawn: readonly { judgements: readonly unknown[] }[]): { done: number; of: number } {
  return { done: drawn.filter((one) => one.judgements.length > 0).length, of: drawn.length }
}
