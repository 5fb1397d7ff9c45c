/** What the keys and values of labels may look like (k8s.io/apimachinery v0.36 pkg/api/validate/content/kube.go), in its words. */

const nameFormat = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const labelFormat = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const prefixFormat = `${labelFormat}(\\.${labelFormat})*`
const namePattern = new RegExp(`^${nameFormat}$`)
const valuePattern = new RegExp(`^(${nameFormat})?$`)
const prefixPattern = new RegExp(`^${prefixFormat}$`)
const longestName = 63
const longestPrefix = 253
const nameRule = formatted(
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  nameFormat,
  ['MyName', 'my.name', '123-abc'],
)

/** Why this is no key of a label, `[prefix/]name`; undefined where it is one. */
export function labelKeyFault(key: string): string | undefined {
  const parts = key.split('/')
  if (parts.length > 2)
    return `a valid label key ${nameRule} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`
  const faults: string[] = []
  const [prefix] = parts
  if (parts.length === 2) {
    if (prefix === '') faults.push('prefix part must be non-empty')
    else {
      if (bytesOf(prefix!) > longestPrefix) faults.push(`prefix part must be no more than ${longestPrefix} bytes`)
      if (!prefixPattern.test(prefix!)) {
        const rule =
          "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
        faults.push(`prefix part ${formatted(rule, prefixFormat, ['example.com'])}`)
      }
    }
  }
  const name = parts.at(-1)!
  if (name === '') faults.push('name part must be non-empty')
  else if (bytesOf(name) > longestName) faults.push(`name part must be no more than ${longestName} bytes`)
  if (!namePattern.test(name)) faults.push(`name part ${nameRule}`)
  return faults.length === 0 ? undefined : faults.join('; ')
}

/** Why this is no value of a label; undefined where it is one. */
export function labelValueFault(value: string): string | undefined {
  const faults: string[] = []
  if (bytesOf(value) > longestName) faults.push(`must be no more than ${longestName} bytes`)
  if (!valuePattern.test(value)) {
    const rule =
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
    faults.push(formatted(rule, `(${nameFormat})?`, ['MyValue', 'my_value', '12345']))
  }
  return faults.length === 0 ? undefined : faults.join('; ')
}

function formatted(rule: string, format: string, examples: readonly string[]): string {
  const listed = examples.map((example) => `'${example}', `).join(' or ')
  return `${rule} (e.g. ${listed}regex used for validation is '${format}')`
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length
}
