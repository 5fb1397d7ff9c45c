/** common/parseconf.c pconf_encode */
export function encode(value: string): string {
  return value.replaceAll(/[#\\"]/g, '\\$&')
}

/**
 * Words of every line that a chunk completes, read as common/parseconf.c of 2.8.0 does, a character at a time. An
 * unescaped # between quotes is an error that nobody is told of: the rest of that chunk is thrown away with it.
 */
export function createTokenizer(): (chunk: Buffer) => Iterable<string[]> {
  let state: 'between' | 'comment' | 'quoted' | 'quoted-literal' | 'word' | 'word-literal' = 'between'
  let word = ''
  let words: string[] = []
  const add = (char: string): void => {
    if (char >= ' ' && char <= '\x7f' && word.length < 512) word += char
  }
  const endWord = (): void => {
    if (words.length < 32) words.push(word)
    word = ''
  }
  const startWord = (char: string): typeof state => {
    if (char === '#') return 'comment'
    if (/\s/.test(char)) return 'between'
    if (char === '\\') return 'word-literal'
    if (char === '"') return 'quoted'
    add(char)
    if (char !== '=') return 'word'
    endWord()
    return 'between'
  }

  return function* (chunk) {
    for (const char of chunk.toString('latin1')) {
      if (char === '\n' && (state === 'between' || state === 'comment' || state === 'word')) {
        if (state === 'word') endWord()
        yield words
        words = []
        state = 'between'
      } else if (state === 'between') {
        state = startWord(char)
      } else if (state === 'quoted') {
        if (char === '#') {
          words = []
          word = ''
          state = 'between'
          return
        }
        if (char === '"') endWord()
        else if (char !== '\\') add(char)
        state = char === '"' ? 'between' : char === '\\' ? 'quoted-literal' : 'quoted'
      } else if (state === 'quoted-literal' || state === 'word-literal') {
        add(char)
        state = state === 'word-literal' ? 'word' : 'quoted'
      } else if (state === 'word') {
        const isEnd = char === '#' || char === '=' || /\s/.test(char)
        if (isEnd) endWord()
        if (isEnd) state = startWord(char)
        else if (char === '\\') state = 'word-literal'
        else add(char)
      }
    }
  }
}
