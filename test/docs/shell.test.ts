import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readPages, root } from './pages.ts'

const fences = readPages().flatMap(({ path, fences: all }) =>
  all.filter(({ language }) => language === 'sh').map((fence) => ({ ...fence, place: `${path}:${fence.line}` })),
)

test('every snippet of shell is one that a shell can read', () => {
  const faults = fences.flatMap(({ text, place }) => {
    const { status, stderr } = spawnSync('sh', ['-n'], { input: text, encoding: 'utf8' })
    return status === 0 ? [] : [`${place}: ${stderr.trim()}`]
  })
  expect(faults).toEqual([])
  expect(fences.length).toBeGreaterThan(15)
})

test('every `npm run` of README and docs is a script of the package', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }
  const named = readPages().flatMap(({ path, text }) =>
    [...text.matchAll(/npm run ([\w-]+)/g)].map(([, name]) => ({ path, name: name! })),
  )
  expect(named.length).toBeGreaterThan(2)
  expect(named.filter(({ name }) => !(name in scripts))).toEqual([])
})
