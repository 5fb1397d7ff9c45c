import { expect, test } from 'vitest'
import { readClientSettings } from '../../src/config/state.ts'

test.each([
  { text: 'state: /srv/caretaker\n', state: '/srv/caretaker' },
  { text: 'cluster:\n  name: lab\n', state: '/var/lib/caretaker' },
  { text: '# all of it is commented out\n', state: '/var/lib/caretaker' },
  { text: 'state: here\nnodes: [{ role: boss }]\n', state: 'here' },
  { text: 'state: [\n', state: undefined },
  { text: 'state: 5\n', state: undefined },
])('the state directory is found without checking the rest: $text', ({ text, state }) => {
  expect(readClientSettings(text)?.state).toBe(state)
})

test.each([
  { text: 'upgrade: { timeZone: Europe/Warsaw }\n', timeZone: 'Europe/Warsaw' },
  { text: 'upgrade: { timeZone: Mars/Olympus }\n', timeZone: 'UTC' },
  { text: 'upgrade:\n', timeZone: 'UTC' },
  { text: 'state: here\n', timeZone: 'UTC' },
])('so is the time zone: $text', ({ text, timeZone }) => {
  expect(readClientSettings(text)?.timeZone).toBe(timeZone)
})
