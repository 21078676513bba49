export const instances = {
  title: 'instances',
}
