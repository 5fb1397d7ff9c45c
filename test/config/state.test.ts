import { expect, test } from 'vitest'
import { readState } from '../../src/config/state.ts'

test.each([
  { text: 'state: /srv/caretaker\n', state: '/srv/caretaker' },
  { text: 'cluster:\n  name: lab\n', state: '/var/lib/caretaker' },
  { text: '# all of it is commented out\n', state: '/var/lib/caretaker' },
  { text: 'state: here\nnodes: [{ role: boss }]\n', state: 'here' },
  { text: 'state: [\n', state: undefined },
  { text: 'state: 5\n', state: undefined },
])('the state directory is found without checking the rest: $text', ({ text, state }) => {
  expect(readState(text)).toBe(state)
})
