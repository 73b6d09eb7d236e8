/** The answer to "why did this person open this chart" as keys of the catalogue: one sentence, then its facts. Pure. */
import { sameDay } from '../shared/format'
import type { Access, WhyFact } from '../shared/wire'

export type WhySentence = 'why.by_emergency' | 'why.treated' | 'why.assigned_to' | 'why.listed_with' | 'why.in_emergency' | 'why.nothing'

const SENTENCE: Record<Access['relation'], WhySentence> = {
  treated: 'why.treated',
  assigned: 'why.assigned_to',
  listed: 'why.listed_with',
  emergency: 'why.in_emergency',
  none: 'why.nothing',
}

/** An emergency access stays one, whatever part its doctor had in other visits. */
export function sentencesOf({ relation, purpose }: Pick<Access, 'relation' | 'purpose'>): WhySentence[] {
  const known = SENTENCE[relation]
  return purpose === 'emergency' && relation !== 'emergency' ? ['why.by_emergency', known] : [known]
}

/** How the answer looks: only what has a relation and was no emergency may be green. */
export function toneOf({ relation, purpose }: Pick<Access, 'relation' | 'purpose'>): 'sure' | 'medium' | 'high' {
  if (relation === 'none') return 'high'
  return relation === 'emergency' || purpose === 'emergency' ? 'medium' : 'sure'
}

/** How far a sample is judged. */
export function progress(drawn: readonly { judgements: readonly unknown[] }[]): { done: number; of: number } {
  return { done: drawn.filter((one) => one.judgements.length > 0).length, of: drawn.length }
}

/** How many were judged anew after the minutes were signed, which then tell another verdict than the list beside them. */
export function judgedAfter(drawn: readonly { judgements: readonly { at: string }[] }[], signedAt: string): number {
  return drawn.filter((one) => Date.parse(one.judgements.at(-1)?.at ?? signedAt) > Date.parse(signedAt)).length
}

/** Word and numbers of one fact. After the close on the same day is said so: no days went by. */
export function whyWords(fact: WhyFact, readAt: string, time: string): [`why.${WhyFact['code']}` | 'why.after_close.today', { time: string; n: number }] {
  const today = fact.code === 'after_close' && typeof fact.at === 'string' && sameDay(fact.at, readAt)
  const n = fact.code === 'after_close' ? Math.max(1, fact.n ?? 0) : (fact.n ?? 0)
  return [today ? 'why.after_close.today' : `why.${fact.code}`, { time, n }]
}
