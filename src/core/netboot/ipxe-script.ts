/** An image that iPXE can be sent on to. */
export interface IpxeImage {
  /** Its name below what is served. */
  readonly file: string
  readonly architecture: string
  /** The command line that it carries. */
  readonly commandLine: string
}

/** iPXE's words for processors (`${buildarch}`). */
const ipxeWords: Readonly<Record<string, string>> = { amd64: 'x86_64', arm64: 'arm64' }

/**
 * A script that has iPXE boot the image for its processor. iPXE gives the UKI load options of its own, the name of the file,
 * and systemd's stub takes those in place of the command line that the UKI carries (without Secure Boot): so it is said
 * again here, whole. Names of files are relative to where the script came from.
 */
export function formatIpxeScript(images: readonly IpxeImage[]): string {
  const known = images.filter(({ architecture }) => architecture in ipxeWords)
  const words = known.map(({ architecture }) => ipxeWords[architecture]!)
  return [
    '#!ipxe',
    ...words.map((word) => `iseq \${buildarch} ${word} && goto ${word} ||`),
    'echo There is no image for ${buildarch} here.',
    'exit 1',
    ...known.flatMap(({ file, commandLine }, index) => [
      `:${words[index]}`,
      `kernel ${encodeURI(file)} ${escapeVariables(oneLine(commandLine))}`.trimEnd(),
      'boot',
    ]),
    '',
  ].join('\n')
}

function oneLine(text: string): string {
  return text.trim().split(/\s+/).join(' ')
}

/**
 * Talos fills in `${mac}` and the like in the query of `talos.config` itself, after it has decoded it; iPXE would put in its
 * own values, and nothing for what it does not know. Percent-encoded, they pass iPXE and mean the same to Talos.
 */
function escapeVariables(commandLine: string): string {
  return commandLine
    .split(' ')
    .map((word) => {
      const query = word.indexOf('?')
      return query < 0
        ? word
        : word.slice(0, query) + word.slice(query).replaceAll('${', '%24%7B').replaceAll('}', '%7D')
    })
    .join(' ')
}
