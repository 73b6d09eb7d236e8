/** What was begun and not sent, by what it is about: looking at another line, week or room loses none of it.

In the page's memory alone: it is about patients, and goes with the page. Pure.
*/

export type AccessDraft = { verdict: 'in_order' | 'follow_up' | 'improper' | undefined; words: string; asking: boolean; question: string }
export type MinutesDraft = { words: string | undefined; correction: string }

export class Drafts<T> {
  readonly #kept = new Map<string | number, T>()

  /** @param typed - whether somebody would miss it: what was written, not what was only pressed */
  constructor(readonly typed: (draft: T) => boolean) {}

  of(about: string | number): T | undefined {
    return this.#kept.get(about)
  }

  keep(about: string | number, draft: T): void {
    this.#kept.set(about, draft)
  }

  /** Something written would go with the page. */
  get waiting(): boolean {
    return [...this.#kept.values()].some(this.typed)
  }
}

export const accessDrafts = new Drafts<AccessDraft>(({ words, question }) => words.trim() !== '' || question.trim() !== '')
export const minutesDrafts = new Drafts<MinutesDraft>(({ words, correction }) => (words ?? '').trim() !== '' || correction.trim() !== '')
