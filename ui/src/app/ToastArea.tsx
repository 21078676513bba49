import '@mantine/core/styles/Notification.css'
import '@mantine/notifications/styles.css'
import { useMediaQuery } from '@mantine/hooks'
import { Notifications } from '@mantine/notifications'
import { PHONE } from './layout'

export { notifications } from '@mantine/notifications'

export function Toasts() {
  const phone = useMediaQuery(PHONE)
  return <Notifications position={phone ? 'top-center' : 'bottom-right'} />
}
