// What is bundled as text: C programs, and the style and the script of a page.
declare module "*.c" {
  const text: string;
  export default text;
}
declare module "*.css" {
  const text: string;
  export default text;
}
declare module "*.webview.js" {
  const text: string;
  export default text;
}
