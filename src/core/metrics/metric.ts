import { printable } from '../printable.ts'

/** One family of metrics: what docs/metrics.md says of it, and what its samples are checked against. */
export interface MetricSpec {
  readonly type: 'gauge' | 'counter' | 'histogram'
  /** One sentence without a full stop. */
  readonly help: string
  /** By label, what its values are. There are few of them, and they do not grow with time. */
  readonly labels: Readonly<Record<string, string>>
  /** Of a histogram: the upper bounds of its buckets, in its unit. */
  readonly buckets?: readonly number[]
}

/** Families by their names. */
export type Table = Readonly<Record<string, MetricSpec>>

export type LabelsOf<Spec extends MetricSpec> = { readonly [Label in keyof Spec['labels']]: string }

/** The names of a type of metrics. */
export type NameOf<T extends Table, Type extends MetricSpec['type']> = {
  [Name in keyof T]: T[Name]['type'] extends Type ? Name : never
}[keyof T] &
  string

/** One value. */
export interface Sample {
  readonly family: string
  /** Of a histogram, which of its series: `_bucket`, `_sum`, `_count`. */
  readonly series?: '_bucket' | '_sum' | '_count'
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

type Labels = MetricSpec['labels']

export function gauge<const L extends Labels>(help: string, labels: L) {
  return { type: 'gauge', help, labels } as const
}

export function counter<const L extends Labels>(help: string, labels: L) {
  return { type: 'counter', help, labels } as const
}

export function histogram<const L extends Labels>(help: string, labels: L, buckets: readonly number[]) {
  return { type: 'histogram', help, labels, buckets } as const
}

/** Samples of the families of one table. */
export interface Samples<T extends Table> {
  /** Adds a value, unless it is not known. */
  add<Name extends keyof T & string>(name: Name, labels: LabelsOf<T[Name]>, value: number | boolean | undefined): void
  /** One of several values of a label: 1 for the one that holds, 0 for all others. */
  oneOf<Name extends keyof T & string, Label extends keyof T[Name]['labels'] & string>(
    name: Name,
    labels: Omit<LabelsOf<T[Name]>, Label>,
    which: { readonly [L in Label]: readonly string[] },
    present: string | undefined,
  ): void
  readonly all: readonly Sample[]
}

export function createSamples<T extends Table>(_table: T): Samples<T> {
  const all: Sample[] = []
  const push = (family: string, labels: Sample['labels'], value: number) =>
    void all.push({ family, labels: labelsOf(labels), value })
  return {
    add: (name, labels, value) => {
      if (value !== undefined && !Number.isNaN(Number(value))) push(name, labels, Number(value))
    },
    oneOf: (name, labels, which, present) => {
      for (const [label, values] of Object.entries<readonly string[]>(which))
        for (const value of values) push(name, { ...labels, [label]: value }, Number(value === present))
    },
    all,
  }
}

/** Of a label, in letters: names and releases are shorter. */
const longest = 128
/** Nearly all labels are of these letters. */
const plain = /^[ -~]{0,128}$/

/** Labels that nodes and others fill: each on one line, and no longer than anything that is meant. */
function labelsOf(labels: Sample['labels']): Sample['labels'] {
  const texts = Object.values(labels)
  if (texts.every((text) => plain.test(text))) return labels
  return Object.fromEntries(Object.entries(labels).map(([name, text]) => [name, printable(text.slice(0, longest))]))
}

/** A moment of ISO 8601 as Prometheus has it, in seconds since the epoch. */
export function timestampOf(at: string | undefined): number | undefined {
  return at === undefined ? undefined : Date.parse(at) / 1_000
}

export const secondsOf = (ms: number | undefined) => (ms === undefined ? undefined : ms / 1_000)
export const ratioOf = (percent: number | undefined) => (percent === undefined ? undefined : percent / 100)
