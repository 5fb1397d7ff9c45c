// Completes package-lock.json after `npm install`: a registry mirror may lack packages for platforms other than one's own,
// and npm then leaves them out of the lock, so that `npm ci` refuses it here and everybody else lacks them. An entry needs
// only its version and its platform. Run by `npm run lock`.
import { readFileSync, writeFileSync } from 'node:fs'

const file = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(file, 'utf8'))
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

lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)))
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
console.log(
  added.length === 0
    ? 'package-lock.json is complete'
    : `package-lock.json: added ${added.length} packages of other platforms`,
)

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
