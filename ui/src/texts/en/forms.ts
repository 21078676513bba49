export const forms = {
  title: 'forms',
}
