import { expect, test } from 'vitest'
import { NO_TOKEN, sayingOf } from '../../src/entrance/problem'

test('a link without its token was cut off, one that is not known was used, and a silent hub is neither', () => {
  expect(sayingOf(NO_TOKEN)).toEqual({ title: 'enter.incomplete', help: 'enter.incomplete.help' })
  for (const code of ['link_unknown', 'bad_request']) expect(sayingOf(code)).toEqual({ title: 'enter.failed', help: 'enter.failed.help' })
  for (const code of ['unreachable', 'busy', 'too_many_tries']) expect(sayingOf(code)).toEqual({ title: 'enter.not_now', help: null })
})
