// Completes package-lock.json around `npm install`: a registry mirror may lack packages for platforms other than one's own,
// and npm then leaves them out of the lock, so that `npm ci` refuses it here and everybody else lacks them. Each entry gets
// the integrity that the registry tells: without it npm would take whatever it is given. Run by `npm run lock`, with `drop`
// before npm, so that npm asks anew for what has no integrity.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'

const file = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(file, 'utf8'))
const isIncomplete = ([path, { link, integrity }]) => path.includes('node_modules/') && !link && !integrity

if (process.argv[2] === 'drop') {
  lock.packages = Object.fromEntries(Object.entries(lock.packages).filter((entry) => !isIncomplete(entry)))
  write()
  process.exit(0)
}

const present = new Set(Object.keys(lock.packages).map((path) => path.replace(/^.*node_modules\//, '')))
const added = []

for (const { optionalDependencies = {}, dev } of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    if (present.has(name) || !/^\d+\.\d+\.\d+$/.test(version)) continue
    const platform = platformOf(name)
    if (!platform) continue
    lock.packages[`node_modules/${name}`] = { version, ...platform, ...(dev ? { dev } : {}), optional: true }
    present.add(name)
    added.push(name)
  }
}

for (const [path, entry] of Object.entries(lock.packages).filter(isIncomplete)) {
  const name = `${path.replace(/^.*node_modules\//, '')}@${entry.version}`
  entry.integrity = execFileSync('npm', ['view', name, 'dist.integrity'], { encoding: 'utf8' }).trim()
  if (!entry.integrity.startsWith('sha512-')) throw new Error(`the registry tells no integrity of ${name}`)
}

lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)))
write()
console.log(
  added.length === 0
    ? 'package-lock.json is complete'
    : `package-lock.json: added ${added.length} packages of other platforms`,
)

function write() {
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
}

/** From a name such as `@oxfmt/binding-linux-x64-musl`. */
function platformOf(name) {
  const words = name.split(/[/-]/)
  const os = words.find((word) => ['darwin', 'linux', 'win32', 'freebsd', 'android', 'openharmony'].includes(word))
  const cpu = words.find((word) => ['arm64', 'x64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x'].includes(word))
  if (!os || !cpu) return undefined
  const libc =
    os !== 'linux'
      ? undefined
      : words.some((word) => word.startsWith('musl'))
        ? 'musl'
        : words.some((word) => word.startsWith('gnu'))
          ? 'glibc'
          : undefined
  return { cpu: [cpu], os: [os], ...(libc ? { libc: [libc] } : {}) }
}
