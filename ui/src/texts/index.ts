/**
 * Every text of the application, in one place. A translation is another object of the same type; it is loaded before the first page is
 * drawn, and changes with a reload. `pseudo` is a language that no one speaks: what does not look odd in it was not taken from here.
 */
import { en, type Texts } from './en'
import { pseudo } from './pseudo'

export type { Texts } from './en'

export const LANGUAGE = 'procession.language'

export const t: Texts = typeof localStorage !== 'undefined' && localStorage.getItem(LANGUAGE) === 'pseudo' ? pseudo(en) : en
