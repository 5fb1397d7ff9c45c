import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { env } from 'node:process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { canonicalYaml } from '../../../src/core/release/schematic.ts'
import { homelabSchematic, homelabSchematicId } from '../homelab.ts'
import { extensionsFrame } from '../uki-writer.ts'

const run = promisify(execFile)
const script = fileURLToPath(new URL('build-uki.sh', import.meta.url))

/** Why no UKI can be built on this machine; undefined where one can. */
export function whyNoRealUki(): string | undefined {
  return existsSync('/usr/lib/systemd/boot/efi/linuxx64.efi.stub')
    ? undefined
    : 'systemd-boot-efi is not installed, which a real UKI is made of'
}

/** Where what an image for arm64 is built of is unpacked. */
const arm64 = '/tmp/uki-cache-arm64'

/** Why no UKI for arm64 can be built on this machine; undefined where one can. */
export function whyNoArm64Uki(): string | undefined {
  if (!existsSync('/bin/busybox')) return 'busybox-static is not installed, which a real UKI is made of'
  return existsSync(arm64Tools.BUSYBOX)
    ? undefined
    : 'Debian’s kernel for arm64 is not there: run test/lab/uki/fetch-arm64.sh /tmp/uki-cache-arm64'
}

const tools = `${arm64}/tools/usr`
/** What build-uki.sh takes to make an image for arm64. */
export const arm64Tools = {
  CACHE: arm64,
  STUB: `${arm64}/linuxaa64.efi.stub`,
  BUSYBOX: `${arm64}/busybox`,
  OBJCOPY: `${tools}/bin/aarch64-linux-gnu-objcopy`,
  OBJDUMP: `${tools}/bin/aarch64-linux-gnu-objdump`,
  LD_LIBRARY_PATH: `${tools}/lib/x86_64-linux-gnu`,
}

/** Builds a UKI for arm64 of Debian's packages, which this machine can't boot. */
export async function buildArm64Uki(path: string, { version }: { readonly version: string }): Promise<void> {
  await buildRealUki(path, { version, environment: arm64Tools })
}

interface RealUki {
  readonly version: string
  readonly environment?: Readonly<Record<string, string>>
}

/** Builds a UKI that firmware boots, of Debian's kernel, systemd's stub, and what a Factory adds for the homelab. */
export async function buildRealUki(path: string, { version, environment }: RealUki): Promise<void> {
  const schematic = {
    id: homelabSchematicId,
    yaml: canonicalYaml(homelabSchematic),
    factory: 'https://factory.example/',
  }
  const extensions = `${path}.extensions`
  await writeFile(
    extensions,
    extensionsFrame(schematic, homelabSchematic.customization.systemExtensions.officialExtensions),
  )
  const url = 'http://10.0.2.2:8080/config?mac=${mac}'
  await run(script, {
    env: { ...env, OUT: path, VERSION: version, CONFIG_URL: url, EXTENSIONS: extensions, ...environment },
  })
  await rm(extensions)
}

/** Whether images can be signed on this machine: undefined, or why not. */
export function whyNoSigning(): string | undefined {
  return existsSync('/usr/bin/sbsign') && existsSync('/usr/bin/openssl')
    ? undefined
    : 'sbsigntool or openssl is not installed, which sign images for SecureBoot'
}

/** Signs an image with a key made for it; answers where the certificate is, and the signature itself (PKCS #7, DER). */
export async function signUki(path: string, signed: string): Promise<{ certificate: string; signature: string }> {
  const [key, certificate, signature] = [`${signed}.key`, `${signed}.pem`, `${signed}.p7`]
  const subject = ['-subj', '/CN=a homelab', '-days', '2']
  await run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    key,
    '-out',
    certificate,
    ...subject,
  ])
  await run('sbsign', ['--key', key, '--cert', certificate, '--output', signed, path])
  await run('sbverify', ['--cert', certificate, signed])
  await run('sbsign', ['--key', key, '--cert', certificate, '--detached', '--output', signature, path])
  return { certificate, signature }
}
