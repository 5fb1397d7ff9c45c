import type { Argued } from './argued-plans.ts'

/** Of what is published, pruned and read. */
export const arguedImages: readonly Argued[] = [
  {
    path: 'src/core/release/publication.ts',
    code: "const [node = ''] = image.nodes",
    because: 'the configuration demands one node of an image for a node without a disk',
  },
  {
    path: 'src/core/release/publication.ts',
    code: 'one.version === present?.version',
    change: 'present?.version → present.version',
    because: 'without a present name there are no former images to be asked about',
  },
  {
    path: 'src/core/release/publication.ts',
    code: ': present !== undefined && isNewer(present.version, one.version)',
    change: 'present !== undefined → true',
    because: 'without a present name there are no former images to be asked about',
  },
  {
    path: 'src/core/release/retention.ts',
    code: 'const present = new Set(images.flatMap((image) => presentName(image, names)?.file ?? []))',
    change: 'presentName(image, names)?.file ?? [] → presentName(image, names)?.file',
    because: 'no name of a file is undefined, so that one more entry changes no answer',
  },
  {
    path: 'src/core/release/share-health.ts',
    code: 'return { away: undefined, changed: new Map(faulty) }',
    change: 'away: undefined, → nothing',
    because: 'a field that is not there reads as undefined',
  },
  {
    path: 'src/core/release/uki.ts',
    code: 'profiles.push({ id, title, commandLine: undefined })',
    because: 'a field that is not there reads as undefined',
  },
  {
    path: 'src/core/release/uki.ts',
    code: "const osRelease = parseOsRelease((await textOf('.osrel')) ?? '')",
    because: 'a UKI without the section is refused before',
  },
  {
    path: 'src/core/release/uki.ts',
    code: "const base = shared ?? profiles.find(({ commandLine }) => commandLine !== undefined)?.commandLine ?? ''",
    change: [
      "shared ?? profiles.find(({ commandLine }) =>  … ed)?.commandLine ?? '' → shared ?? profiles.find(({ commandLine }) =>  … ndefined)?.commandLine",
      'profiles.find(({ commandLine }) => commandLin … ndefined)?.commandLine → profiles.find(({ commandLine }) => commandLin … undefined).commandLine',
      "'' → 'x'",
    ],
    because: 'a UKI without any .cmdline is refused before',
  },
  {
    path: 'src/core/release/uki.ts',
    code: 'if (profiles.length === 0) return [{ id: undefined, title: undefined, commandLine: base }]',
    change: ['id: undefined, → nothing', 'title: undefined, → nothing'],
    because: 'a field that is not there reads as undefined',
  },
  {
    path: 'src/core/release/uki.ts',
    code: "if (match) fields[match[1]!] = match[2] ?? match[3] ?? match[4] ?? ''",
    change: ["match[2] ?? match[3] ?? match[4] ?? '' → match[2] ?? match[3] ?? match[4]", "'' → 'x'"],
    because: 'one of the three ways to write a value has always matched, and be it nothing',
  },
  {
    path: 'src/core/release/iso.ts',
    code: "const [, kernelPath, words = ''] = /^[ \\t]*linux[ \\t]+(\\S+)[ \\t]*(.*)$/m.exec(text) ?? []",
    change: "'' → 'x'",
    because: 'where the line is there, so are its words, and be they none; where it is not, they are not asked for',
  },
]
