import { expect, test } from 'vitest'
import { canSay, readTexts, textsIn } from './messages.ts'
import { readPages, root } from './pages.ts'

const page = readPages().find(({ path }) => path === 'docs/troubleshooting.md')!
const texts = await readTexts(root)

/** `- **MESSAGE**: cause → cure` */
const entries = [...page.text.matchAll(/^- \*\*`(.+?)`\*\*: (.*(?:\n {2}.*)*)/gm)].map(([, message, rest]) => {
  const [cause = '', cure = ''] = rest!.replaceAll(/\s+/g, ' ').split('→')
  return { message: message!, cause: cause.trim(), cure: cure.trim() }
})

test('troubleshooting has more than fifty messages, each with its cause and its cure', () => {
  expect(new Set(entries.map(({ message }) => message)).size).toBeGreaterThan(50)
  expect(
    entries.filter(({ cause, cure }) => cause.length < 20 || cure.length < 20 || /^as it says/i.test(cause)),
  ).toEqual([])
})

test('the product says every message that troubleshooting explains', () => {
  expect(entries.map(({ message }) => message).filter((message) => !canSay(texts, message))).toEqual([])
})

test('a message is found by all its parts, in one file', () => {
  const sources = [
    { path: 'a.ts', pieces: textsIn('a.ts', 'say(`${name} is silent, and the power is not guarded: ${why}`)') },
    { path: 'b.ts', pieces: textsIn('b.ts', "say('look at its cable')") },
  ]
  expect(canSay(sources, '… is silent, and the power is not guarded: …')).toBe(true)
  expect(canSay(sources, '… was silent, and the power is not guarded: …')).toBe(false)
  expect(canSay(sources, '… is silent, and the power is not guarded: … look at its cable')).toBe(false)
  expect(canSay(sources, '… and …')).toBe(false)
})
