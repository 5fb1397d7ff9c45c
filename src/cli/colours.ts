import { styleText } from 'node:util'

/** Where the output takes no colours, these leave the text as it is. */
export const plain = (text: string): string => text
export const green = (text: string): string => styleText('green', text)
export const yellow = (text: string): string => styleText('yellow', text)
export const red = (text: string): string => styleText('red', text)
export const dim = (text: string): string => styleText('dim', text)
