/** What the medical lead asks the doctor: the hub says that something waits, the page fetches it and keeps what is typed. */
import { type Api, codeOf } from '../shared/http'
import type { Question } from '../shared/wire'
import { stillAsked, unknownOf } from './asked'

export class Asked {
  /** Ids of what waits, as the hub says it. */
  waiting = $state.raw<string[]>([])
  questions = $state.raw<Question[]>([])
  answers = $state<Record<string, string>>({})
  problem = $state('')

  constructor(readonly api: Api) {}

  told(ids: string[]): void {
    this.waiting = ids
    this.questions = stillAsked(this.questions, ids)
  }

  /** Fetch what is not here yet: only where it is shown, since it is a reading that stands in the log. */
  async look(): Promise<void> {
    if (unknownOf(this.questions, this.waiting).length === 0) return
    try {
      this.questions = await this.api.get<Question[]>('/api/questions')
      this.problem = ''
    } catch (error) {
      this.problem = codeOf(error)
    }
  }

  async answer(id: string): Promise<void> {
    try {
      this.problem = ''
      await this.api.post(`/api/questions/${id}/answer`, { text: this.answers[id] ?? '' })
      delete this.answers[id]
      this.told(this.waiting.filter((one) => one !== id))
    } catch (error) {
      this.problem = codeOf(error)
    }
  }
}
