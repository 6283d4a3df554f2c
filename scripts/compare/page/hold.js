// What the address of the page asks for.

export const query = new URLSearchParams(location.search);

// ?run=objects,slow runs only these experiments, at once, and shows nothing else.
// &slow=silent sets a control, &preset=N what is sent, &lang=zh the language; &again starts once
// more what failed, &press=CHECK sends a check of the sheet, and &report saves the report into
// the page.
export const wanted = query.get('run')?.split(',') ?? [];
if (wanted.length > 0) {
  // The page has loaded when this picture has loaded. So a browser without a
  // window waits for the picture before it prints the page.
  document.body.append(Object.assign(new Image(1, 1), {id: 'hold', src: 'hold', alt: ''}));
}
