/** Where the layout for phones begins; the style sheet says the same. */
export const PHONE = '(max-width: 48em)'
