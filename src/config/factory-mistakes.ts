import type { Config } from './config.ts'
import { doubtful, type Mistake } from './mistake.ts'

/** What is probably not meant so in how Factories are asked. */
export function findFactoryMistakes({ factory }: Pick<Config, 'factory'>): readonly Mistake[] {
  const { fallbacks } = factory
  const all = [
    { path: ['factory'], one: factory },
    ...fallbacks.map((one, index) => ({ path: ['factory', 'fallbacks', index], one })),
  ]
  return all.flatMap(({ path, one: { url, auth, ca } }, index): Mistake[] => {
    const isPlain = url.toLowerCase().startsWith('http:')
    const again = all.slice(0, index).some(({ one }) => new URL(one.url).href === new URL(url).href)
    return [
      ...(isPlain && auth
        ? [
            doubtful(
              [...path, 'auth'],
              'is sent in the clear to a URL that begins with http: everybody in between can read it',
            ),
          ]
        : []),
      ...(isPlain && ca !== undefined
        ? [doubtful([...path, 'ca'], 'counts for nothing: the URL begins with http')]
        : []),
      ...(again ? [doubtful([...path, 'url'], 'is asked already')] : []),
    ]
  })
}
