// ko.js: 화면에 나오는 모든 한국어. {빈칸}은 채워집니다. 열쇠는 en.js와 같습니다.

export default {
  other: 'English',
  otherLabel: 'View in English',

  CONNECTING: '연결 중…',
  OPEN: '연결됨',
  CLOSING: '닫는 중…',
  CLOSED: '연결 안 됨',
  lost: '연결이 끝났습니다(코드 {code}). 쓰신 글은 남겨 두었다가 나중에 보냅니다.',
  shownOut: '서버가 연결을 끝냈습니다(코드 {code}: 정책).',
  tryingIn: '{n}초 뒤 다시 연결',
  again: '지금 연결',

  people: '{n}명 참여 중',
  peopleButton: '참여자',
  nobody: '아직 아무도 없습니다.',
  you: '나',
  writePrivately: '{name} 님에게만 쓰기',

  conversation: '대화',
  empty: '아직 대화가 없습니다.',
  emptyHint: '이 페이지를 창 하나에 더 열고 혼자 이야기해 보세요.',
  dropped: '오래된 메시지 {n}개는 더 보여 주지 않습니다.',
  newer: '↓ 새 메시지 {n}개',
  showAll: '{n}자 모두 보기',
  joined: '{name} 님이 들어왔습니다',
  renamed: '{before} 님이 이름을 {name}(으)로 바꿨습니다',
  left: '{name} 님이 나갔습니다',
  privately: '나에게만',
  privateTo: '{name} 님에게만',
  toAll: '다시 모두에게 쓰기',
  sending: '보내는 중…',
  waits: '연결을 기다리는 중',

  nameAsk: '어떤 이름으로 부를까요?',
  join: '들어가기',
  as: '이름',
  change: '이름 바꾸기',
  message: '메시지',
  messageHint: '메시지를 쓰세요',
  send: '보내기',

  rejected: '“{asked}”은(는) 이미 있거나 쓸 수 없는 이름입니다. “{given}”(으)로 들어왔습니다.',
  refused: '서버가 거절했습니다: {about} ({reason})',
  tooLong: '메시지 하나로는 너무 깁니다.',
  close: '닫기',
};
