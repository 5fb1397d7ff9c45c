import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parsePage, readPages, root, targetOf } from './pages.ts'

const pages = readPages()

/** Links that lead nowhere. */
function brokenIn(page: (typeof pages)[number]): readonly string[] {
  return page.links.flatMap(({ text, line }) => {
    const { file, anchor } = targetOf(page, text)
    const place = `${page.path}:${line}: ${text}`
    if (file !== page.path && !existsSync(join(root, file))) return [place]
    if (anchor === undefined) return []
    const target = file === page.path ? page : pages.find(({ path }) => path === file)
    return target?.anchors.has(anchor) ? [] : [place]
  })
}

test('every link of README and docs leads to a file or a heading that is there', () => {
  expect(pages.flatMap(brokenIn)).toEqual([])
})

test('every page of docs is in its index, and leads back to it', () => {
  const index = pages.find(({ path }) => path === 'docs/README.md')!
  const named = index.links.map(({ text }) => targetOf(index, text).file)
  const others = pages.filter(({ path }) => path.startsWith('docs/') && path !== index.path)
  expect(others.filter(({ path }) => !named.includes(path)).map(({ path }) => path)).toEqual([])
})

test('a link to what is not there is seen', () => {
  const page = parsePage('docs/x.md', '# A\n[a](#a) [b](#b) [c](nowhere.md) [d](README.md#nothing) [e](../README.md)\n')
  expect(brokenIn(page)).toEqual(['docs/x.md:2: #b', 'docs/x.md:2: nowhere.md', 'docs/x.md:2: README.md#nothing'])
})
