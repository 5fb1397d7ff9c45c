import { expect, test } from 'vitest'
import { AgentError } from '../../src/core/errors.ts'
import { followMaterial, openMaterial } from '../../src/http/certificate-files.ts'
import { createAuthority } from '../lab/authority.ts'

const authority = await createAuthority('homelab')
const [first, second, third] = await Promise.all(
  ['1', '2', '3'].map((common) => authority.issueServer({ common, ips: ['127.0.0.1'] })),
)
const named = { certificate: 'a.crt', key: 'a.key', setting: 'api.tls' }

/** Files in memory; an error where there is none. */
function filesWith(texts: Map<string, string>) {
  return {
    readSecret: async ({ file }: { readonly file: string }, what: string) => {
      const text = texts.get(file)
      if (text === undefined) throw new AgentError('misconfigured', `${file}: no such file`)
      if (text === '') throw new AgentError('misconfigured', `${what}: the file ${file} is empty`)
      return text
    },
  }
}

const textsOf = ({ cert, key }: { readonly cert?: string; readonly key?: string }) =>
  new Map(
    Object.entries({ 'a.crt': cert, 'a.key': key }).filter((one): one is [string, string] => one[1] !== undefined),
  )

const bad = [
  { name: 'no certificate', texts: { key: first!.key }, says: 'api.tls.certificate: a.crt: no such file' },
  { name: 'no key', texts: { cert: first!.cert }, says: 'api.tls.key: a.key: no such file' },
  { name: 'an empty key', texts: { ...first, key: '' }, says: 'api.tls.key: the file a.key is empty' },
  {
    name: 'half a certificate',
    texts: { ...first, cert: first!.cert.slice(0, 100) },
    says: 'api.tls.certificate: a.crt contains no whole PEM certificate',
  },
  {
    name: 'a key of another',
    texts: { ...first, key: second!.key },
    says: 'api.tls.key: the key in a.key does not belong to the certificate in a.crt',
  },
]

test.each(bad)('with $name nothing is served, and the setting is named once', async ({ texts, says }) => {
  await expect(openMaterial(named, filesWith(textsOf(texts)))).rejects.toMatchObject({
    code: 'misconfigured',
    message: says,
  })
})

test.each(bad.filter(({ texts }) => texts.cert !== first!.cert || texts.key !== first!.key))(
  '$name in the place of what is served is a fault at the second look, and none any more once it is whole',
  async ({ texts, says }) => {
    const files = textsOf(third!)
    const followed = followMaterial(named, filesWith(files), third!)
    expect(await followed.renew()).toBeUndefined()
    files.clear()
    for (const [file, text] of textsOf(texts)) files.set(file, text)
    expect(await followed.renew()).toBeUndefined()
    expect(followed.fault).toBeUndefined()
    expect(await followed.renew()).toBeUndefined()
    expect(followed.fault).toBe(says)
    expect(followed.served).toBe(third)
    for (const [file, text] of textsOf(second!)) files.set(file, text)
    expect(await followed.renew()).toEqual(second)
    expect(followed.served).toEqual(second)
    expect(followed.fault).toBeUndefined()
    expect(await followed.renew()).toBeUndefined()
  },
)
