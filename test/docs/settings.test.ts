import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { settingRows } from '../settings-page.ts'
import { readPages, root } from './pages.ts'

/** Every setting as `upses.name`, without the marks of lists and names. */
const settings = (await settingRows()).map(({ path }) => path.replaceAll(/\[\]|\.NAME/g, ''))
const sections = new Set(settings.map((path) => path.split('.')[0]!))
/** Groups that a page may begin with, where its subject says which is meant: `wake.stagger`. */
const groups = new Set(['wake', 'draining', 'shutdown', 'trust'])
/** Words of others that are written as settings are. */
const foreign = new Set([
  'wakeOnLan',
  'leftMs',
  'chargePercent',
  'nodeName',
  'officialExtensions',
  'shutdown.return',
  'diskSelector',
  'busPath',
])

/** Whether a word in backticks is meant as a setting. */
function isMeant(word: string): boolean {
  if (foreign.has(word)) return false
  const [first = '', ...rest] = word.split('.')
  return rest.length > 0 ? sections.has(first) || groups.has(first) : /^[a-z]+[A-Z][A-Za-z]+$/.test(word)
}

function isSetting(word: string): boolean {
  return settings.some((path) => path === word || path.endsWith(`.${word}`) || path.startsWith(`${word}.`))
}

/** What is written as `upgrade.windows`, `upses[].name`, `drainTimeout` or `mode: staged` in a page. */
function namedIn(codes: readonly { readonly text: string; readonly line: number }[]) {
  return codes.flatMap(({ text, line }) => {
    const word = /^([a-z][A-Za-z]*(?:(?:\[\])?\.[a-zA-Z]+)*)(?:: .*)?$/.exec(text)?.[1]?.replaceAll('[]', '')
    return word !== undefined && isMeant(word) ? [{ word, line }] : []
  })
}

test('every setting that README and the guides name is one that there is', () => {
  const named = readPages()
    .filter(({ path }) => path !== 'docs/settings.md')
    .flatMap(({ path, codes }) => namedIn(codes).map(({ word, line }) => ({ word, place: `${path}:${line}` })))
  expect(named.filter(({ word }) => !isSetting(word))).toEqual([])
  expect(named.length).toBeGreaterThan(60)
})

test('the .env of a guide sets what the compose file reads', () => {
  const compose = readFileSync(join(root, 'docker-compose.yml'), 'utf8')
  const keys = readPages().flatMap(({ fences }) =>
    fences.flatMap(({ text }) => (text.includes('CARETAKER_UID=') ? [...text.matchAll(/^(\w+)=/gm)] : [])),
  )
  expect(keys.length).toBeGreaterThan(2)
  for (const [, key] of keys) expect(compose).toContain(`\${${key}`)
})

test.each(['upgrade.window', 'upses[].nam', 'wake.stager', 'drainTimeOut', 'obeyForcedShutdwn: true'])(
  '%s is seen as a setting that there is not',
  (text) => {
    const [found] = namedIn([{ text, line: 1 }])
    expect(found && isSetting(found.word)).toBe(false)
  },
)
