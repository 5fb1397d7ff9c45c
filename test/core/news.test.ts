import { expect, test } from 'vitest'
import { createNews } from '../../src/core/news.ts'

test('a reason is new once, and again after it was over', () => {
  const news = createNews()
  expect([news.isNew('refused'), news.isNew('refused'), news.isNew('no answer'), news.isNew('refused')]).toEqual([
    true,
    false,
    true,
    true,
  ])
  expect([news.isNew(undefined), news.isNew(undefined), news.isNew('refused')]).toEqual([true, false, true])
})

test('what is said about one thing is still new about another', () => {
  const news = createNews()
  expect([news.isNew('refused', 'rack'), news.isNew('refused', 'shelf'), news.isNew('refused', 'rack')]).toEqual([
    true,
    true,
    false,
  ])
})
