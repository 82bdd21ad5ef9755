/** What a model may answer: English that compresses as English does. */
const PROSE =
  'The order was placed on the third of March and left our warehouse two days later, as you can see from the ' +
  'tracking page. It seems that the carrier tried to deliver it twice while nobody was at home, and then took it ' +
  'back to the depot near the station, where it will be held until the end of next week. You may collect it there ' +
  'with some form of identification, or ask for a third attempt on a day that suits you; I would be glad to arrange ' +
  'that if you tell me which afternoon you prefer. Should you no longer want the lamp, simply refuse the parcel: ' +
  'once it has come back to us, we refund the full price, postage included, within five working days. I am sorry ' +
  'for the trouble that this has caused, and have added a voucher to your account, which is valid for a year and ' +
  'can be used together with other offers. Is there anything else that I can help you with today? ';

export function prose(characters: number): string {
  return PROSE.repeat(Math.ceil(characters / PROSE.length)).slice(0, characters);
}
