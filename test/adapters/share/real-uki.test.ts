import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { inspectUkiFile } from '../../../src/adapters/share/uki-file.ts'
import { homelabSchematic, homelabSchematicId } from '../../lab/homelab.ts'
import { lacks } from '../../lab/needs.ts'
import {
  buildArm64Uki,
  buildRealUki,
  signUki,
  whyNoArm64Uki,
  whyNoRealUki,
  whyNoSigning,
} from '../../lab/uki/real-uki.ts'
import { orderOf, startShareLab, stageOn } from './lab.ts'
import { soon } from '../../patience.ts'

test.skipIf(lacks(whyNoRealUki() ?? whyNoSigning()))(
  'a UKI of Debian’s kernel and systemd’s stub is inspected, signed, and staged',
  async () => {
    await using stack = new AsyncDisposableStack()
    const directory = await mkdtemp(join(tmpdir(), 'caretaker-uki-'))
    stack.defer(() => rm(directory, { recursive: true, force: true }))
    const [plain, signed] = [join(directory, 'plain.efi'), join(directory, 'signed.efi')]
    await buildRealUki(plain, { version: 'v1.13.9' })
    const uki = await inspectUkiFile(plain)
    expect(uki).toMatchObject({
      architecture: 'amd64',
      version: 'v1.13.9',
      signed: false,
      commandLine: expect.stringContaining('talos.platform=metal'),
      extensions: [
        { name: 'i915', version: 'v1.0.0' },
        { name: 'iscsi-tools', version: 'v1.0.0' },
        { name: 'nut-client', version: 'v1.0.0' },
      ],
      schematic: { id: homelabSchematicId, contents: homelabSchematic },
    })
    // What binutils reads out of it.
    const { stdout } = await promisify(execFile)('objdump', ['-h', plain])
    const rows = stdout.split('\n').flatMap((line) => /^ *\d+ (\.\w+) +([\da-f]{8}) /.exec(line)?.slice(1, 3) ?? [])
    for (const name of ['.osrel', '.cmdline', '.linux', '.initrd'])
      expect(uki.sections.find((section) => section.name === name)?.bytes, name).toBe(
        Number.parseInt(rows[rows.indexOf(name) + 1]!, 16),
      )

    const { signature } = await signUki(plain, signed)
    const secure = await inspectUkiFile(signed)
    expect(secure).toMatchObject({ signed: true, authenticode: uki.authenticode, extensions: uki.extensions })
    // What sbsign has signed.
    expect((await readFile(signature)).includes(Buffer.from(secure.authenticode, 'hex'))).toBe(true)

    const at = stack.use(await startShareLab('127.0.110.81', { files: { 'v1.13.9': signed } }))
    at.share = at.open({ schematicOf: () => homelabSchematic })
    expect(await at.stage('v1.13.9')).toMatchObject({ version: 'v1.13.9', bytes: secure.bytes, published: true })
    expect((await at.published()).equals(await readFile(signed))).toBe(true)
  },
)

test.skipIf(lacks(whyNoArm64Uki(), { alsoInCi: true }) || lacks(whyNoSigning()))(
  'a UKI of Debian’s kernel and systemd’s stub for arm64 is inspected, signed, and staged as such alone',
  async () => {
    await using stack = new AsyncDisposableStack()
    const directory = await mkdtemp(join(tmpdir(), 'caretaker-uki-'))
    stack.defer(() => rm(directory, { recursive: true, force: true }))
    const [plain, signed] = [join(directory, 'plain.efi'), join(directory, 'signed.efi')]
    await buildArm64Uki(plain, { version: 'v1.13.9' })
    const uki = await inspectUkiFile(plain)
    expect(uki).toMatchObject({ architecture: 'arm64', version: 'v1.13.9', signed: false, extensions: [{}, {}, {}] })
    const { signature, certificate } = await signUki(plain, signed)
    const secure = await inspectUkiFile(signed)
    expect(secure).toMatchObject({ architecture: 'arm64', signed: true, authenticode: uki.authenticode })
    expect((await readFile(signature)).includes(Buffer.from(secure.authenticode, 'hex'))).toBe(true)

    const at = stack.use(await startShareLab('127.0.116.82', { files: { 'v1.13.9': signed, 'v1.13.10': signed } }))
    const pinned = await readFile(certificate, 'utf8')
    at.share = at.open({ schematicOf: () => homelabSchematic, signedBy: async () => [pinned] })
    const order = { ...orderOf('v1.13.9'), architecture: 'arm64' } as const
    expect(await stageOn(at, order, { signal: soon() })).toMatchObject({ published: true })
    expect((await at.published()).equals(await readFile(signed))).toBe(true)
    // Of an image for the other processor nothing is kept.
    const wrong = stageOn(at, orderOf('v1.13.10'), { signal: soon() })
    await expect(wrong).rejects.toThrow('it is for arm64, and amd64 was requested')
  },
)
