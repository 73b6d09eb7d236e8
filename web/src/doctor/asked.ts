/** Which of the questions that are here still wait, and which are not here yet. */
import type { Question } from '../shared/wire'

export function stillAsked(here: Question[], waiting: string[]): Question[] {
  return here.filter((one) => waiting.includes(one.id))
}

export function unknownOf(here: Question[], waiting: string[]): string[] {
  return waiting.filter((id) => !here.some((one) => one.id === id))
}
